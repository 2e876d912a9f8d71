// In the header: undo, redo, and whether all edits are saved.
import { ActionIcon, Loader, Tooltip } from '@mantine/core';
import { IconArrowBackUp, IconArrowForwardUp, IconCloudCheck, IconCloudOff } from '@tabler/icons-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { isReadOnly } from '../state/accepted';
import { canRedo, canUndo, redo, undo } from '../state/history';
import { isUnsaved } from '../state/works';
import { useStore } from '../state/store';

function Saved(): React.JSX.Element {
  const { t } = useTranslation();
  const { waiting, isStuck, isKept, isPaused } = useStore((state) => state.saving);
  const state = isStuck || isPaused ? 'stuck' : waiting > 0 ? 'saving' : 'saved';
  const rest = isPaused ? t('saving.paused', { count: waiting }) : state === 'saving' ? t('saving.saving') : t('saving.saved');
  const words = isStuck ? t('saving.stuck', { count: waiting }) : rest;
  return (
    <span
      className={state === 'stuck' ? 'saved saved-stuck' : 'saved'}
      role="status"
      data-testid="saved"
      data-state={state}
      data-kept={isKept}
      title={words}
    >
      {state === 'stuck' ? <IconCloudOff size={17} aria-hidden /> : state === 'saving' ? <Loader size={14} aria-hidden /> : <IconCloudCheck size={17} aria-hidden />}
      <span className="saved-words">{words}</span>
    </span>
  );
}

/** The browser asks before it closes a page with edits that neither the server nor this browser's database has. */
function useWarning(): void {
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent): void => {
      if (isUnsaved()) event.preventDefault();
    };
    window.addEventListener('beforeunload', warn);
    return () => {
      window.removeEventListener('beforeunload', warn);
    };
  }, []);
}

export function UndoRedo(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  useWarning();
  if (open === null) return null;
  const isClosed = isReadOnly(open);
  return (
    <div className="undo-redo">
      <Saved />
      <Tooltip label={t('history.undo')}>
        <ActionIcon size="lg" aria-label={t('history.undo')} disabled={isClosed || !canUndo(open)} data-testid="undo" onClick={undo}>
          <IconArrowBackUp size={19} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={t('history.redo')}>
        <ActionIcon size="lg" aria-label={t('history.redo')} disabled={isClosed || !canRedo(open)} data-testid="redo" onClick={redo}>
          <IconArrowForwardUp size={19} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
