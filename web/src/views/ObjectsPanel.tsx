// The job's objects: which one prompts go to, and each one's name, colour, size, visibility and lock.
import { useMemo, useState } from 'react';
import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { IconBookmarks, IconDotsVertical, IconPlus, IconSortAscendingNumbers, IconTextPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { anatomyOf, type Term } from '../core/anatomy';
import { labelCounts } from '../core/edit/census';
import { formatMl } from '../core/measure';
import { isReadOnly } from '../state/accepted';
import { addLabel, adoptLabel, orderByValue } from '../state/labels';
import { useStore, type OpenJob } from '../state/store';
import { AnatomyPicker } from './AnatomyPicker';
import { LabelSets } from './LabelSets';
import { ObjectRow } from './ObjectRow';
import { Section } from './Section';

interface Size {
  readonly voxels: number;
  readonly ml: number;
}

/** Voxels and volume of each object in the shown mask. */
function useSizes(open: OpenJob | null): ReadonlyMap<number, Size> {
  const shown = open?.shown ?? null;
  const spacing = open?.grid.spacingMm;
  return useMemo(() => {
    if (shown === null || spacing === undefined) return new Map();
    const mlPerVoxel = (spacing[0] * spacing[1] * spacing[2]) / 1000;
    return new Map([...labelCounts(shown)].map(([label, voxels]) => [label, { voxels, ml: voxels * mlPerVoxel }]));
  }, [shown, spacing]);
}

function Orphan({ value, size, isClosed }: { value: number; size: Size; isClosed: boolean }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <li className="object-orphan" data-testid={`orphan-${value}`}>
      <span className="hint">{t('labels.orphan', { value, ml: formatMl(size.ml) })}</span>
      <Button
        size="compact-sm"
        variant="default"
        disabled={isClosed}
        data-testid={`adopt-${value}`}
        onClick={() => {
          adoptLabel(value);
        }}
      >
        {t('labels.adopt')}
      </Button>
    </li>
  );
}

type Dialog = 'byName' | 'sets' | null;

function add({ names, structure, side }: Term): void {
  addLabel({ name: names[0] ?? structure.meaning, color: structure.color, anatomy: anatomyOf({ structure, side }) });
}

function Actions({ isClosed, onDialog }: { isClosed: boolean; onDialog: (dialog: Dialog) => void }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <span className="object-actions">
      <Tooltip label={t('labels.byName')}>
        <ActionIcon
          size={32}
          aria-label={t('labels.byName')}
          disabled={isClosed}
          data-testid="add-by-name"
          onClick={() => {
            onDialog('byName');
          }}
        >
          <IconTextPlus size={18} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={t('objects.add')}>
        <ActionIcon
          size={32}
          aria-label={t('objects.add')}
          disabled={isClosed}
          data-testid="add-object"
          onClick={() => {
            addLabel();
          }}
        >
          <IconPlus size={18} />
        </ActionIcon>
      </Tooltip>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon size={32} aria-label={t('labels.menu')} title={t('labels.menu')} data-testid="objects-menu">
            <IconDotsVertical size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconBookmarks size={16} aria-hidden />}
            data-testid="label-sets"
            onClick={() => {
              onDialog('sets');
            }}
          >
            {t('labels.sets')}
          </Menu.Item>
          <Menu.Item leftSection={<IconSortAscendingNumbers size={16} aria-hidden />} disabled={isClosed} data-testid="order-by-value" onClick={orderByValue}>
            {t('labels.order')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </span>
  );
}

export function ObjectsPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  const [dialog, setDialog] = useState<Dialog>(null);
  const sizes = useSizes(open);
  if (open === null) return null;
  const isClosed = isReadOnly(open);
  const close = (): void => {
    setDialog(null);
  };
  return (
    <Section title={t('objects.title')} aside={<Actions isClosed={isClosed} onDialog={setDialog} />}>
      <ul className="objects">
        {open.job.labels.map((label) => (
          <ObjectRow
            key={label.value}
            label={label}
            isActive={label.value === open.label}
            size={sizes.get(label.value) ?? null}
            isClosed={isClosed}
          />
        ))}
        {[...sizes]
          .filter(([value]) => !open.job.labels.some((label) => label.value === value))
          .map(([value, size]) => (
            <Orphan key={value} value={value} size={size} isClosed={isClosed} />
          ))}
      </ul>
      {dialog === 'byName' && (
        <AnatomyPicker
          title={t('labels.byName')}
          onClose={close}
          onPick={(term) => {
            add(term);
            close();
          }}
        />
      )}
      {dialog === 'sets' && <LabelSets isClosed={isClosed} onClose={close} />}
    </Section>
  );
}
