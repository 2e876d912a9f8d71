// Label sets: save the objects, apply or delete a set, and objects as files in and out.
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { ActionIcon, Alert, Button, Modal, TextInput, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconDownload, IconFileImport, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Label, LabelSet } from '../api/types';
import { LabelFileError, readLabelFile, toItkSnap, toJson } from '../core/label_file';
import { loadLabelSets, removeLabelSet, saveLabelSet } from '../state/label_sets';
import { applyLabels } from '../state/labels';
import { notifyDone } from '../state/notices';
import { useStore } from '../state/store';
import { safeName, saveText, stemOf } from './save_file';

interface Sets {
  readonly sets: readonly LabelSet[];
  readonly reload: () => Promise<void>;
}

function useLabelSets(): Sets {
  const [sets, setSets] = useState<readonly LabelSet[]>([]);
  const reload = async (): Promise<void> => {
    const found = await loadLabelSets();
    if (found !== null) setSets(found.toSorted((a, b) => a.name.localeCompare(b.name)));
  };
  useEffect(() => {
    let isWanted = true;
    void loadLabelSets().then((found) => {
      if (isWanted && found !== null) setSets(found.toSorted((a, b) => a.name.localeCompare(b.name)));
    });
    return () => {
      isWanted = false;
    };
  }, []);
  return { sets, reload };
}

function SaveForm({ labels, sets, reload }: { labels: readonly Label[] } & Sets): React.JSX.Element {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const wanted = name.trim();
  const isTaken = sets.some((set) => set.name === wanted);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (wanted === '' || !(await saveLabelSet(sets, wanted, labels))) return;
    setName('');
    await reload();
  };
  return (
    <form className="set-form" onSubmit={(event) => void submit(event)}>
      <TextInput
        className="grow"
        aria-label={t('labels.setName')}
        placeholder={t('labels.setName')}
        value={name}
        maxLength={200}
        data-testid="set-name"
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
      />
      <Button type="submit" disabled={wanted === ''} data-testid="save-set">
        {isTaken ? t('labels.replaceSet', { name: wanted }) : t('labels.saveSet')}
      </Button>
    </form>
  );
}

function SetRow({ set, isClosed, onApply, onDelete }: { set: LabelSet; isClosed: boolean; onApply: () => void; onDelete: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <li className="set-row" data-testid="label-set" data-name={set.name}>
      <span className="set-colors" aria-hidden>
        {set.labels.slice(0, 6).map((label) => (
          <span key={label.value} style={{ background: label.color }} />
        ))}
      </span>
      <span className="set-words">
        <strong>{set.name}</strong>
        <span className="dim" title={set.labels.map((label) => label.name).join(', ')}>
          {t('labels.setCount', { count: set.labels.length })} · {set.labels.map((label) => label.name).join(', ')}
        </span>
      </span>
      <Button size="xs" variant="default" disabled={isClosed} onClick={onApply} data-testid="apply-set" aria-label={`${t('labels.applySet')}: ${set.name}`}>
        {t('labels.applySet')}
      </Button>
      <Tooltip label={t('labels.deleteSet', { name: set.name })}>
        <ActionIcon size={32} aria-label={t('labels.deleteSet', { name: set.name })} onClick={onDelete} data-testid="delete-set">
          <IconTrash size={17} />
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

function Files({ labels, isClosed, onDone }: { labels: readonly Label[]; isClosed: boolean; onDone: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  const jobName = useStore((state) => state.open?.job.name ?? '');
  const input = useRef<HTMLInputElement>(null);
  const [refused, setRefused] = useState<{ readonly name: string; readonly why: string } | null>(null);
  const read = async (file: File): Promise<void> => {
    setRefused(null);
    try {
      applyLabels(readLabelFile(await file.text()));
      notifyDone(t('labels.setApplied', { name: file.name }));
      onDone();
    } catch (cause) {
      if (!(cause instanceof LabelFileError)) throw cause;
      setRefused({ name: file.name, why: t(`labelFile.${cause.reason}`, { line: cause.line, detail: cause.detail }) });
    }
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".json,.txt,.label,application/json,text/plain"
        className="visually-hidden"
        tabIndex={-1}
        aria-hidden
        data-testid="label-file"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) void read(file);
          event.currentTarget.value = '';
        }}
      />
      {refused !== null && (
        <Alert color="red" icon={<IconAlertTriangle />} title={t('labelFile.failed', { name: refused.name })} role="alert" data-testid="label-file-error">
          {refused.why}
        </Alert>
      )}
      <div className="set-files">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconFileImport size={16} aria-hidden />}
          disabled={isClosed}
          data-testid="import-labels"
          onClick={() => {
            input.current?.click();
          }}
        >
          {t('labels.import')}
        </Button>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={16} aria-hidden />}
          data-testid="export-labels-json"
          onClick={() => {
            saveText(`${safeName(stemOf(jobName))}-labels.json`, 'application/json', toJson(labels));
          }}
        >
          {t('labels.exportJson')}
        </Button>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={16} aria-hidden />}
          data-testid="export-labels-itk"
          onClick={() => {
            saveText(`${safeName(stemOf(jobName))}-labels.txt`, 'text/plain', toItkSnap(labels));
          }}
        >
          {t('labels.exportItk')}
        </Button>
      </div>
    </>
  );
}

export function LabelSets({ isClosed, onClose }: { isClosed: boolean; onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  const labels = useStore((state) => state.open?.job.labels) ?? [];
  const { sets, reload } = useLabelSets();
  return (
    <Modal opened onClose={onClose} title={t('labels.setsTitle')} size={560} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div className="label-sets">
        <p className="hint">{t('labels.setsText')}</p>
        <SaveForm labels={labels} sets={sets} reload={reload} />
        {sets.length === 0 && <p className="dim">{t('labels.setsEmpty')}</p>}
        <ul className="set-list">
          {sets.map((set) => (
            <SetRow
              key={set.label_set_id}
              set={set}
              isClosed={isClosed}
              onApply={() => {
                applyLabels(set.labels);
                notifyDone(t('labels.setApplied', { name: set.name }));
                onClose();
              }}
              onDelete={() => void removeLabelSet(set.label_set_id).then((isGone) => (isGone ? reload() : undefined))}
            />
          ))}
        </ul>
        <Files labels={labels} isClosed={isClosed} onDone={onClose} />
      </div>
    </Modal>
  );
}
