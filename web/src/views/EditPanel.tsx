// Edits of the active object as a whole: in the volume, or on the shown slice only.
import { useState } from 'react';
import { Button, SegmentedControl, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Operation } from '../api/types';
import { clearSlice, copySlice } from '../state/editing';
import { interpolate, operate } from '../state/operations';
import { useStore } from '../state/store';
import { CheckedNumber } from './CheckedNumber';
import { Section } from './Section';

type Scope = 'volume' | 'slice';

interface ActProps {
  readonly name: 'smooth' | 'grow' | 'shrink' | 'keepLargest' | 'removeIslands' | 'fillHoles';
  readonly operation: Operation;
  readonly scope: Scope;
  readonly busy: string | null;
  readonly setBusy: (name: string | null) => void;
}

/** A button that has the server change the object; one at a time. */
function Act({ name, operation, scope, busy, setBusy }: ActProps): React.JSX.Element {
  const { t } = useTranslation();
  const hasMask = useStore((state) => (state.open?.job.head ?? null) !== null || (state.open?.mask ?? null) !== null);
  return (
    <Tooltip label={t(`editHint.${name}`)} multiline maw={260}>
      <Button
        variant="default"
        size="xs"
        className="act"
        data-testid={`edit-${name}`}
        disabled={!hasMask || (busy !== null && busy !== name)}
        loading={busy === name}
        onClick={() => {
          setBusy(name);
          void operate(operation, scope === 'slice').finally(() => {
            setBusy(null);
          });
        }}
      >
        {t(`edit.${name}`)}
      </Button>
    </Tooltip>
  );
}

interface AmountProps {
  readonly label: string;
  readonly unit: string;
  readonly value: number;
  readonly step: number;
  readonly most: number;
  readonly testId: string;
  readonly onChange: (value: number) => void;
}

function Amount({ label, unit, value, step, most, testId, onChange }: AmountProps): React.JSX.Element {
  return (
    <CheckedNumber
      size="xs"
      className="act-amount"
      aria-label={label}
      title={label}
      suffix={` ${unit}`}
      limits={{ least: 0.01, most }}
      step={step}
      decimalScale={2}
      value={value}
      data-testid={testId}
      onChange={onChange}
    />
  );
}

function WholeObject(): React.JSX.Element {
  const { t } = useTranslation();
  const [scope, setScope] = useState<Scope>('volume');
  const [busy, setBusy] = useState<string | null>(null);
  const [smoothMm, setSmoothMm] = useState(2);
  const [growMm, setGrowMm] = useState(2);
  const [belowMl, setBelowMl] = useState(0.1);
  const act = { scope, busy, setBusy };
  return (
    <>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label={t('edit.scope')}
        data-testid="edit-scope"
        value={scope}
        onChange={setScope}
        data={[
          { value: 'volume' as const, label: t('edit.scopeVolume') },
          { value: 'slice' as const, label: t('edit.scopeSlice') },
        ]}
      />
      <div className="acts">
        <Act name="smooth" operation={{ kind: 'smooth', mm: smoothMm }} {...act} />
        <Amount label={t('edit.smoothMm')} unit="mm" step={0.5} most={20} value={smoothMm} onChange={setSmoothMm} testId="smooth-mm" />
      </div>
      <div className="acts">
        <Act name="grow" operation={{ kind: 'grow', mm: growMm }} {...act} />
        <Act name="shrink" operation={{ kind: 'shrink', mm: growMm }} {...act} />
        <Amount label={t('edit.growMm')} unit="mm" step={0.5} most={100} value={growMm} onChange={setGrowMm} testId="grow-mm" />
      </div>
      <div className="acts">
        <Act name="removeIslands" operation={{ kind: 'remove_islands', below_ml: belowMl }} {...act} />
        <Amount label={t('edit.belowMl')} unit="ml" step={0.05} most={1000} value={belowMl} onChange={setBelowMl} testId="below-ml" />
      </div>
      <div className="acts">
        <Act name="keepLargest" operation={{ kind: 'keep_largest' }} {...act} />
        <Act name="fillHoles" operation={{ kind: 'fill_holes' }} {...act} />
      </div>
    </>
  );
}

export function EditPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const isOpen = useStore((state) => state.open !== null);
  if (!isOpen) return null;
  const buttons = [
    ['copyNext', () => { copySlice(1); }],
    ['copyPrevious', () => { copySlice(-1); }],
    ['interpolate', () => void interpolate()],
    ['clearSlice', clearSlice],
  ] as const;
  return (
    <Section title={t('edit.title')}>
      <div className="acts-grid">
        {buttons.map(([name, run]) => (
          <Tooltip key={name} label={t(`editHint.${name}`)} multiline maw={260}>
            <Button variant="default" size="xs" className="act" data-testid={`edit-${name}`} onClick={run}>
              {t(`edit.${name}`)}
            </Button>
          </Tooltip>
        ))}
      </div>
      <WholeObject />
    </Section>
  );
}
