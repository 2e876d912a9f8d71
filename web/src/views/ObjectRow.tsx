// One object of the panel: colour, name, size, whether it is shown and locked, and a menu for the rest.
import { ActionIcon, TextInput, Tooltip } from '@mantine/core';
import { IconEye, IconEyeOff, IconLock, IconLockOpen2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Label } from '../api/types';
import { formatMl } from '../core/measure';
import { changeLabel, chooseLabel, toggleLabel } from '../state/labels';
import { ObjectMenu } from './ObjectMenu';
import { useAnatomyName } from './use_anatomy';
import { useLabelName } from './use_label_name';

interface ObjectRowProps {
  readonly label: Label;
  readonly isActive: boolean;
  /** Size in the shown mask: voxels and millilitres; none where it has no voxels. */
  readonly size: { readonly voxels: number; readonly ml: number } | null;
  /** Whether the review is closed: the row can be looked at, not changed. */
  readonly isClosed: boolean;
}

function Name({ label, isClosed }: Pick<ObjectRowProps, 'label' | 'isClosed'>): React.JSX.Element {
  const { t } = useTranslation();
  const { value } = label;
  const name = useLabelName()(label);
  return (
    <TextInput
      key={name}
      size="xs"
      variant="unstyled"
      className="object-name"
      aria-label={t('objects.rename', { value })}
      title={name}
      defaultValue={name}
      maxLength={80}
      readOnly={isClosed}
      onFocus={() => {
        chooseLabel(value);
      }}
      onBlur={(event) => {
        const next = event.currentTarget.value.trim();
        if (next !== '' && next !== name) changeLabel(value, { name: next });
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !event.nativeEvent.isComposing) event.currentTarget.blur();
      }}
    />
  );
}

function Facts({ label, size }: Pick<ObjectRowProps, 'label' | 'size'>): React.JSX.Element | null {
  const { t } = useTranslation();
  const anatomyName = useAnatomyName();
  const name = useLabelName()(label);
  const anatomy = label.anatomy ? anatomyName(label.anatomy) : null;
  return (
    <span className="object-facts dim">
      {size !== null && <span data-testid={`volume-${label.value}`}>{t('objects.volume', { ml: formatMl(size.ml) })}</span>}
      {label.anatomy && (
        <span className="object-anatomy" data-testid={`anatomy-${label.value}`} title={`${anatomy ?? ''} · ${label.anatomy.kind.scheme} ${label.anatomy.kind.value}`}>
          {anatomy === name ? `${label.anatomy.kind.scheme} ${label.anatomy.kind.value}` : anatomy}
        </span>
      )}
    </span>
  );
}

export function ObjectRow({ label, isActive, size, isClosed }: ObjectRowProps): React.JSX.Element {
  const { t } = useTranslation();
  const { value, color } = label;
  const isHidden = label.visible === false;
  const isLocked = label.locked === true;
  const name = useLabelName()(label);
  const eye = t(isHidden ? 'objects.show' : 'objects.hide', { name });
  const lock = t(isLocked ? 'labels.unlock' : 'labels.lock', { name });
  return (
    <li className={isActive ? 'object object-active' : 'object'} data-testid={`object-${value}`}>
      <label className="object-choice" title={t('objects.active', { name })}>
        <input
          type="radio"
          name="active-object"
          className="object-radio"
          checked={isActive}
          aria-label={t('objects.active', { name })}
          onChange={() => {
            chooseLabel(value);
          }}
        />
      </label>
      <input
        type="color"
        className="swatch"
        aria-label={t('objects.color', { name })}
        title={t('objects.color', { name })}
        value={color}
        disabled={isClosed}
        onChange={(event) => {
          changeLabel(value, { color: event.currentTarget.value });
        }}
      />
      <span className="object-words">
        <Name label={label} isClosed={isClosed} />
        <Facts label={label} size={size} />
      </span>
      <Tooltip label={eye}>
        <ActionIcon
          size={32}
          aria-label={eye}
          aria-pressed={!isHidden}
          data-testid={`visible-${value}`}
          onClick={() => {
            toggleLabel(value);
          }}
        >
          {isHidden ? <IconEyeOff size={17} /> : <IconEye size={17} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label={lock}>
        <ActionIcon
          size={32}
          className={isLocked ? 'locked' : 'unlocked'}
          aria-label={lock}
          aria-pressed={isLocked}
          disabled={isClosed}
          data-testid={`lock-${value}`}
          onClick={() => {
            changeLabel(value, { locked: !isLocked });
          }}
        >
          {isLocked ? <IconLock size={17} /> : <IconLockOpen2 size={17} />}
        </ActionIcon>
      </Tooltip>
      <ObjectMenu label={label} voxels={size?.voxels ?? 0} ml={size?.ml ?? 0} isClosed={isClosed} />
    </li>
  );
}
