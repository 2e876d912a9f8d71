// The job's objects: which one prompts go to, its name, colour, size and visibility.
import { useMemo } from 'react';
import { ActionIcon, TextInput, Tooltip } from '@mantine/core';
import { IconEye, IconEyeOff, IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Label } from '../api/types';
import { labelCounts } from '../core/labelmap';
import { addLabel, changeLabel, chooseLabel, toggleLabel } from '../state/prompts';
import { useStore, type OpenJob } from '../state/store';
import { Section } from './Section';
import { useLabelName } from './use_label_name';

interface ObjectRowProps {
  readonly label: Label;
  readonly isActive: boolean;
  readonly isHidden: boolean;
  /** Size in the shown mask, in millilitres; none where it has no voxels. */
  readonly ml: number | null;
}

function ObjectRow({ label, isActive, isHidden, ml }: ObjectRowProps): React.JSX.Element {
  const { t } = useTranslation();
  const { value, color } = label;
  const name = useLabelName()(label);
  const eye = t(isHidden ? 'objects.show' : 'objects.hide', { name });
  return (
    <li className={isActive ? 'object object-active' : 'object'} data-testid={`object-${value}`}>
      <input
        type="radio"
        name="active-object"
        className="object-radio"
        checked={isActive}
        aria-label={t('objects.active', { name })}
        title={t('objects.active', { name })}
        onChange={() => {
          chooseLabel(value);
        }}
      />
      <input
        type="color"
        className="swatch"
        aria-label={t('objects.color', { name })}
        title={t('objects.color', { name })}
        value={color}
        onChange={(event) => {
          changeLabel(value, { color: event.currentTarget.value });
        }}
      />
      <TextInput
        key={name}
        size="xs"
        variant="unstyled"
        className="object-name"
        aria-label={t('objects.rename', { value })}
        defaultValue={name}
        maxLength={80}
        onFocus={() => {
          chooseLabel(value);
        }}
        onBlur={(event) => {
          const next = event.currentTarget.value.trim();
          if (next !== '' && next !== name) changeLabel(value, { name: next });
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.blur();
        }}
      />
      {ml !== null && (
        <span className="object-size" data-testid={`volume-${value}`}>
          {t('objects.volume', { ml: ml < 10 ? ml.toFixed(2) : ml.toFixed(1) })}
        </span>
      )}
      <Tooltip label={eye}>
        <ActionIcon
          aria-label={eye}
          aria-pressed={!isHidden}
          onClick={() => {
            toggleLabel(value);
          }}
        >
          {isHidden ? <IconEyeOff size={16} /> : <IconEye size={16} />}
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

function useVolumes(open: OpenJob | null): ReadonlyMap<number, number> {
  const shown = open?.shown ?? null;
  const spacing = open?.grid.spacingMm;
  return useMemo(() => {
    if (shown === null || spacing === undefined) return new Map();
    const mlPerVoxel = (spacing[0] * spacing[1] * spacing[2]) / 1000;
    return new Map([...labelCounts(shown)].map(([label, count]) => [label, count * mlPerVoxel]));
  }, [shown, spacing]);
}

export function ObjectsPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  const volumes = useVolumes(open);
  if (open === null) return null;
  return (
    <Section
      title={t('objects.title')}
      aside={
        <Tooltip label={t('objects.add')}>
          <ActionIcon aria-label={t('objects.add')} onClick={addLabel} data-testid="add-object">
            <IconPlus size={17} />
          </ActionIcon>
        </Tooltip>
      }
    >
      <ul className="objects">
        {open.job.labels.map((label) => (
          <ObjectRow
            key={label.value}
            label={label}
            isActive={label.value === open.label}
            isHidden={open.hidden.has(label.value)}
            ml={volumes.get(label.value) ?? null}
          />
        ))}
      </ul>
    </Section>
  );
}
