// Why a task waits, in words.
import { useTranslation } from 'react-i18next';
import type { Lack, Task, WaitReason } from '../api/types';
import { formatTook, hasEnded } from '../core/tasks';
import { useStore } from '../state/store';
import { useSecond } from './use_second';

const NONE: readonly WaitReason[] = [];

const MIB = 1024 * 1024;

function useLack(): (lack: Lack) => string {
  const { t } = useTranslation();
  return (lack) => {
    switch (lack.lack) {
      case 'kind':
        return t('lack.kind', { kind: t(`task.${lack.kind}`) });
      case 'engine':
        return t('lack.engine', { engine: t(`engine.${lack.engine}`) });
      case 'model':
        return t('lack.model', { sha256: lack.sha256.slice(0, 12) });
      case 'gpu_memory':
        return t('lack.gpu_memory', { mib: Math.ceil(lack.bytes / MIB) });
      case 'protocol':
        return t('lack.protocol', { version: lack.version });
      case 'program':
        return t('lack.program', { program: lack.program });
    }
  };
}

/** The reasons why a task waits, one whose agent is gone as well, the weightiest first; none where it does not, or nobody said. */
export function useReasons(task: Task): string[] {
  const { t, i18n } = useTranslation();
  const lackInWords = useLack();
  const reasons = useStore((state) => state.monitor.reasons[task.task_id]) ?? NONE;
  const now = useSecond(!hasEnded(task) && reasons.some(({ why }) => why === 'back_off'));
  if (hasEnded(task)) return [];
  return reasons.map((it) => {
    switch (it.why) {
      case 'back_off':
        return t('waiting.back_off', { n: it.attempt, time: formatTook(Math.max(0, it.until_ms - now), i18n.language) });
      case 'no_agent':
        return t('waiting.no_agent');
      case 'no_agent_for':
        return t('waiting.no_agent_for', { n: it.n_agents, lacks: it.lacks.map(lackInWords).join(', ') });
      case 'all_busy':
        return t('waiting.all_busy', { n: it.n_agents, ahead: it.ahead });
      case 'next':
        return t('waiting.next');
    }
  });
}
