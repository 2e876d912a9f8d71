// What a task's program says, while it says it.
import { Button, SegmentedControl } from '@mantine/core';
import { useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { readEarlier, readOutput } from '../state/output_log';
import { useStore } from '../state/store';

/** Pixels from the end within which a reader counts as being there. */
const AT_END = 24;

export function TaskOutput({ taskId }: { taskId: string }): React.JSX.Element | null {
  const { t } = useTranslation();
  const output = useStore((state) => state.monitor.outputs[taskId]);
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    // Whoever scrolled up to read is left there.
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [output?.next_offset, output?.attempt]);
  if (output === undefined || output.attempts.length === 0) return null;
  const onScroll = (): void => {
    const { current } = box;
    if (current !== null) isAtEnd.current = current.scrollHeight - current.scrollTop - current.clientHeight < AT_END;
  };
  return (
    <section className="task-output" aria-label={t('tasks.output')}>
      <div className="task-output-head">
        <h3>{t('tasks.output')}</h3>
        {output.attempts.length > 1 && (
          <SegmentedControl
            size="xs"
            aria-label={t('tasks.outputOf')}
            data={output.attempts.map((n) => ({ value: String(n), label: t('tasks.attempt', { n }) }))}
            value={String(output.attempt)}
            onChange={(value) => {
              isAtEnd.current = true;
              void readOutput(taskId, Number(value));
            }}
          />
        )}
        {output.offset > 0 && (
          <Button size="compact-xs" variant="default" onClick={() => void readEarlier(taskId)} data-testid="output-earlier">
            {t('tasks.outputEarlier')}
          </Button>
        )}
      </div>
      <pre ref={box} onScroll={onScroll} tabIndex={0} aria-label={t('tasks.output')} data-testid="task-output">
        {output.text}
      </pre>
    </section>
  );
}
