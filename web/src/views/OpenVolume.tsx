// Opening a volume: drop, picker or sample; progress with cancel; what the server found where it refuses.
import { useRef, useState } from 'react';
import { Alert, Button, Progress, Text } from '@mantine/core';
import { IconAlertTriangle, IconFileUpload, IconFlask, IconUpload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatBytes } from '../core/format';
import { openSample, upload } from '../state/jobs';
import { errorText, notifyPlain } from '../state/notices';
import { setState, useStore, type UploadProgress } from '../state/store';

const ACCEPTED = '.nii,.gz,.nrrd,.nhdr,application/gzip,application/octet-stream';

function Uploading({ progress }: { progress: UploadProgress }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const isSent = progress.sent >= progress.total;
  const percent = progress.total === 0 ? 0 : (100 * progress.sent) / progress.total;
  const size = (bytes: number): string => formatBytes(bytes, i18n.language);
  return (
    <div className="uploading" data-testid="uploading">
      <div className="uploading-words">
        <Text fw={600} truncate>
          {t('jobs.uploading', { name: progress.name })}
        </Text>
        <Text size="sm" c="dimmed">
          {isSent
            ? t('jobs.reading')
            : t('jobs.uploadingOf', { sent: size(progress.sent), total: size(progress.total) })}
        </Text>
      </div>
      <Progress.Root size="lg">
        <Progress.Section value={percent} animated={isSent} aria-label={t('jobs.uploading', { name: progress.name })} />
      </Progress.Root>
      <Button variant="default" onClick={progress.cancel} data-testid="upload-cancel">
        {t('common.cancel')}
      </Button>
    </div>
  );
}

function UploadRefused(): React.JSX.Element | null {
  const { t } = useTranslation();
  const refused = useStore((state) => state.uploadError);
  if (refused === null) return null;
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle />}
      title={t('error.upload', { name: refused.name })}
      withCloseButton
      closeButtonLabel={t('common.close')}
      onClose={() => {
        setState({ uploadError: null });
      }}
      data-testid="upload-error"
      role="alert"
    >
      <Text size="sm">{errorText(refused.error)}</Text>
      {refused.error.status === 422 && (
        <Text size="sm" c="dimmed">
          {t('error.uploadHint')}
        </Text>
      )}
    </Alert>
  );
}

function Choices({ isCompact }: { isCompact: boolean }): React.JSX.Element {
  const { t } = useTranslation();
  const openingSample = useStore((state) => state.openingSample);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="open-choices">
      <input
        ref={input}
        type="file"
        accept={ACCEPTED}
        className="visually-hidden"
        tabIndex={-1}
        aria-hidden
        data-testid="file-input"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) void upload(file);
          event.currentTarget.value = '';
        }}
      />
      <Button
        size={isCompact ? 'sm' : 'md'}
        leftSection={<IconUpload size={18} aria-hidden />}
        data-testid="choose-file"
        onClick={() => {
          input.current?.click();
        }}
      >
        {t('jobs.choose')}
      </Button>
      <Button
        size={isCompact ? 'sm' : 'md'}
        variant="default"
        leftSection={<IconFlask size={18} aria-hidden />}
        loading={openingSample}
        title={t('jobs.sampleHint')}
        data-testid="open-sample"
        onClick={() => void openSample()}
      >
        {t('jobs.sample')}
      </Button>
    </div>
  );
}

interface OpenVolumeProps {
  /** One line, where there are cases to look at. */
  readonly isCompact?: boolean;
}

export function OpenVolume({ isCompact = false }: OpenVolumeProps): React.JSX.Element {
  const { t } = useTranslation();
  const progress = useStore((state) => state.upload);
  const [isOver, setIsOver] = useState(false);
  const drop = (event: React.DragEvent): void => {
    event.preventDefault();
    setIsOver(false);
    const { files } = event.dataTransfer;
    if (progress !== null) return;
    if (files.length > 1) notifyPlain(t('jobs.oneFile'));
    else if (files[0] !== undefined) void upload(files[0]);
  };
  return (
    <section className={isCompact ? 'open-volume open-volume-compact' : 'open-volume'} aria-label={t('jobs.drop')}>
      <div
        className={isOver ? 'drop-zone drop-zone-over' : 'drop-zone'}
        data-testid="drop-zone"
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setIsOver(false);
        }}
        onDrop={drop}
      >
        {progress === null ? (
          <>
            <IconFileUpload size={isCompact ? 26 : 40} stroke={1.4} aria-hidden className="drop-icon" />
            <div className="drop-words">
              <Text fw={600}>{isOver ? t('jobs.dropNow') : t('jobs.drop')}</Text>
              <Text size="sm" c="dimmed">
                {t('jobs.formats')}
              </Text>
            </div>
            <Choices isCompact={isCompact} />
          </>
        ) : (
          <Uploading progress={progress} />
        )}
      </div>
      <UploadRefused />
    </section>
  );
}
