// More about one object: how it is drawn, what it is, and taking it away.
import { useState } from 'react';
import { ActionIcon, Button, Group, Modal, Popover, Slider, Switch, Text } from '@mantine/core';
import { IconDots, IconStethoscope, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Label } from '../api/types';
import { anatomyOf } from '../core/anatomy';
import { formatMl } from '../core/measure';
import { defaultNumber } from '../core/palette';
import { clearLabel } from '../state/clear_label';
import { changeLabel, removeLabel } from '../state/labels';
import { useStore } from '../state/store';
import { AnatomyPicker } from './AnatomyPicker';
import { useAnatomyName } from './use_anatomy';
import { useLabelName } from './use_label_name';

interface ObjectMenuProps {
  readonly label: Label;
  readonly voxels: number;
  readonly ml: number;
  readonly isClosed: boolean;
}

function Drawn({ label }: { label: Label }): React.JSX.Element {
  const { t } = useTranslation();
  const common = useStore((state) => state.settings.opacity);
  const { value, opacity } = label;
  const isOwn = typeof opacity === 'number';
  const [shown, setShown] = useState(Math.round(100 * (opacity ?? common)));
  return (
    <>
      <Switch
        label={t('labels.opacityOwn')}
        checked={isOwn}
        data-testid="own-opacity"
        onChange={(event) => {
          changeLabel(value, { opacity: event.currentTarget.checked ? shown / 100 : null });
        }}
      />
      {isOwn && (
        <Slider
          size="sm"
          min={0}
          max={100}
          step={5}
          value={shown}
          label={(percent) => t('task.progress', { percent })}
          thumbLabel={t('labels.opacity')}
          data-testid="label-opacity"
          onChange={setShown}
          onChangeEnd={(percent) => {
            changeLabel(value, { opacity: percent / 100 });
          }}
        />
      )}
      <Switch
        label={t('labels.outline')}
        checked={label.outline === true}
        data-testid="label-outline"
        onChange={(event) => {
          changeLabel(value, { outline: event.currentTarget.checked ? true : null });
        }}
      />
    </>
  );
}

/** Why an object cannot be taken away; null where it can. */
function useWhyNot(label: Label): string | null {
  const { t } = useTranslation();
  const count = useStore((state) => state.open?.job.labels.length ?? 0);
  const name = useLabelName()(label);
  if (count <= 1) return t('labels.deleteLast');
  return label.locked === true ? t('labels.deleteLocked', { name }) : null;
}

function DeleteDialog({ label, voxels, ml, onClose }: Omit<ObjectMenuProps, 'isClosed'> & { onClose: () => void }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const name = useLabelName()(label);
  return (
    <Modal opened onClose={onClose} title={t('labels.deleteTitle', { name })} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Text size="sm" mb="lg" className="break-words">
        {t('labels.deleteText', { name, voxels: new Intl.NumberFormat(i18n.language).format(voxels), ml: formatMl(ml) })}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          {t('common.cancel')}
        </Button>
        <Button
          color="red"
          data-testid="confirm-delete-object"
          onClick={() => {
            void clearLabel(label.value);
            onClose();
          }}
        >
          {t('labels.deleteConfirm')}
        </Button>
      </Group>
    </Modal>
  );
}

type Dialog = 'anatomy' | 'delete' | null;

function Menu({ label, voxels, onDialog, onClose }: { label: Label; voxels: number; onDialog: (dialog: Dialog) => void; onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  const anatomyName = useAnatomyName();
  const name = useLabelName()(label);
  const why = useWhyNot(label);
  return (
    <>
      <Drawn label={label} />
      <div className="object-menu-anatomy">
        <span className="dim">{t('labels.anatomy')}</span>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconStethoscope size={15} aria-hidden />}
          aria-label={t('labels.chooseAnatomy', { name })}
          data-testid="choose-anatomy"
          onClick={() => {
            onDialog('anatomy');
          }}
        >
          {label.anatomy ? anatomyName(label.anatomy) : t('labels.noAnatomy')}
        </Button>
        {label.anatomy && (
          <Button
            variant="subtle"
            color="gray"
            size="xs"
            data-testid="remove-anatomy"
            onClick={() => {
              changeLabel(label.value, { anatomy: null });
            }}
          >
            {t('labels.removeAnatomy')}
          </Button>
        )}
      </div>
      {why !== null && <p className="hint">{why}</p>}
      <Button
        variant="light"
        color="red"
        size="xs"
        leftSection={<IconTrash size={15} aria-hidden />}
        disabled={why !== null}
        data-testid="delete-object"
        onClick={() => {
          if (voxels > 0) onDialog('delete');
          else {
            onClose();
            removeLabel(label.value);
          }
        }}
      >
        {t('labels.delete', { name })}
      </Button>
    </>
  );
}

export function ObjectMenu({ label, voxels, ml, isClosed }: ObjectMenuProps): React.JSX.Element {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const [dialog, setDialog] = useState<Dialog>(null);
  const name = useLabelName()(label);
  const words = t('labels.more', { name });
  const close = (): void => {
    setDialog(null);
  };
  return (
    <>
      <Popover opened={isOpen} onChange={setOpen} position="left-start" withArrow trapFocus returnFocus>
        <Popover.Target>
          <ActionIcon
            size={32}
            aria-label={words}
            title={words}
            disabled={isClosed}
            data-testid={`more-${label.value}`}
            onClick={() => {
              setOpen(!isOpen);
            }}
          >
            <IconDots size={17} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown className="object-menu">
          <Menu
            label={label}
            voxels={voxels}
            onDialog={(next) => {
              setOpen(false);
              setDialog(next);
            }}
            onClose={() => {
              setOpen(false);
            }}
          />
        </Popover.Dropdown>
      </Popover>
      {dialog === 'delete' && <DeleteDialog label={label} voxels={voxels} ml={ml} onClose={close} />}
      {dialog === 'anatomy' && (
        <AnatomyPicker
          title={t('labels.chooseAnatomy', { name })}
          onClose={close}
          onPick={(term) => {
            const [termName = ''] = term.names;
            // A name that nobody chose gives way to the anatomical one.
            changeLabel(label.value, { anatomy: anatomyOf(term), ...(defaultNumber(label) === null ? {} : { name: termName }) });
            close();
          }}
        />
      )}
    </>
  );
}
