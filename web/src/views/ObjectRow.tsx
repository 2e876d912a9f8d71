// One object of the panel: colour, name, size, whether it is shown and locked, and a menu for the rest. A click on the
// row chooses it; its name is typed after a double click, Enter on it, or the pencil.
import { useEffect, useRef, useState } from 'react';
import { ActionIcon, TextInput, Tooltip } from '@mantine/core';
import { IconEye, IconEyeOff, IconLock, IconLockOpen2, IconPencil } from '@tabler/icons-react';
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

/** The name while it is typed: Enter and leaving keep it, Escape and nothing at all bring the one before back. */
function NameField({ label, onEnd }: { label: Label; onEnd: (isByKey: boolean) => void }): React.JSX.Element {
  const { t } = useTranslation();
  const { value } = label;
  const name = useLabelName()(label);
  const [typed, setTyped] = useState(name);
  const isDone = useRef(false);
  const end = (isKept: boolean, isByKey: boolean): void => {
    if (isDone.current) return;
    isDone.current = true;
    const next = typed.trim();
    if (isKept && next !== '' && next !== name) changeLabel(value, { name: next });
    onEnd(isByKey);
  };
  return (
    <TextInput
      size="xs"
      className="object-name-field"
      aria-label={t('objects.rename', { value })}
      value={typed}
      maxLength={80}
      autoFocus
      onFocus={(event) => {
        event.currentTarget.select();
      }}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
      }}
      onBlur={() => {
        end(true, false);
      }}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
        event.preventDefault();
        end(event.key === 'Enter', true);
      }}
    />
  );
}

function Name({ label, isActive, isClosed }: Pick<ObjectRowProps, 'label' | 'isActive' | 'isClosed'>): React.JSX.Element {
  const { t } = useTranslation();
  const [isTyping, setTyping] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const isLeftByKey = useRef(false);
  const name = useLabelName()(label);
  const rename = (): void => {
    if (!isClosed) setTyping(true);
  };
  useEffect(() => {
    if (!isTyping && isLeftByKey.current) button.current?.focus();
    isLeftByKey.current = false;
  }, [isTyping]);
  if (isTyping) {
    return (
      <NameField
        label={label}
        onEnd={(isByKey) => {
          isLeftByKey.current = isByKey;
          setTyping(false);
        }}
      />
    );
  }
  return (
    <span className="object-name-line">
      <button
        ref={button}
        type="button"
        className="object-name"
        title={isClosed ? name : t('objects.renameHint', { name })}
        data-testid={`name-${label.value}`}
        data-focus="image"
        onDoubleClick={rename}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          rename();
        }}
      >
        {name}
      </button>
      {isActive && !isClosed && (
        <ActionIcon size={32} className="object-pencil" aria-label={t('objects.rename', { value: label.value })} title={t('objects.rename', { value: label.value })} data-testid={`rename-${label.value}`} onClick={rename}>
          <IconPencil size={15} />
        </ActionIcon>
      )}
    </span>
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
    <li
      className={isActive ? 'object object-active' : 'object'}
      data-testid={`object-${value}`}
      onClick={(event) => {
        // What its other controls do is theirs, also in a dialog that they opened.
        const control = event.target instanceof Element ? event.target.closest('button, input, label') : null;
        const isOnRow = event.target instanceof Node && event.currentTarget.contains(event.target);
        if (isOnRow && (control === null || control.matches('.object-name'))) chooseLabel(value);
      }}
    >
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
        <Name label={label} isActive={isActive} isClosed={isClosed} />
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
