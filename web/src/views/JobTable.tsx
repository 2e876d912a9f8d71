// The jobs: picture, name, state, volume, time; open and delete.
import { useState } from 'react';
import { ActionIcon, Button, Group, Modal, Text, Tooltip } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { sliceUrl } from '../api/client';
import type { JobSummary } from '../api/types';
import { storedAxisOfPlane } from '../core/axes';
import { formatAgo, formatBytes, formatDate, formatSpacing } from '../core/format';
import { gridOf } from '../core/grid';
import { firstWindow } from '../core/window';
import { removeJob } from '../state/jobs';
import { navigate, pathOf } from '../state/router';
import { useNow } from './use_now';
import { StateBadge } from './StateBadge';

function thumbnailUrl(job: JobSummary): string {
  const grid = gridOf(job.image);
  const axis = storedAxisOfPlane(grid.axes, 'axial');
  const { low, high } = firstWindow(job.image);
  return sliceUrl(job.job_id, axis, Math.floor(grid.shape[axis] / 2), {
    low,
    high,
    mask: (job.head ?? null) !== null,
    version: job.head ?? '0',
  });
}

function DeleteDialog({ job, onClose }: { job: JobSummary | null; onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Modal opened={job !== null} onClose={onClose} title={t('jobs.deleteTitle')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Text size="sm" mb="lg" className="break-words">
        {t('jobs.deleteText', { name: job?.name ?? '' })}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          {t('common.cancel')}
        </Button>
        <Button
          color="red"
          data-testid="confirm-delete"
          onClick={() => {
            if (job !== null) void removeJob(job.job_id);
            onClose();
          }}
        >
          {t('common.delete')}
        </Button>
      </Group>
    </Modal>
  );
}

function VolumeWords({ job }: { job: JobSummary }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const [i = 0, j = 0, k = 0] = job.image.shape;
  return (
    <div className="job-volume">
      <span>{t('jobs.voxels', { i, j, k })}</span>
      <span className="dim">
        {t('jobs.spacing', { spacing: formatSpacing(job.image.spacing_mm) })} · {formatBytes(job.image.bytes, i18n.language)}
      </span>
    </div>
  );
}

function JobRow({ job, onDelete }: { job: JobSummary; onDelete: () => void }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const path = pathOf({ page: 'job', jobId: job.job_id });
  const open = (event: React.MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.button !== 0) return;
    event.preventDefault();
    navigate({ page: 'job', jobId: job.job_id });
  };
  return (
    <li className="job-row" data-testid="job-row" data-job={job.job_id}>
      <a href={path} onClick={open} className="job-link" title={t('jobs.open', { name: job.name })}>
        <span className="thumbnail">
          <img src={thumbnailUrl(job)} alt="" loading="lazy" width={72} height={72} />
        </span>
        <span className="job-name">
          <strong>{job.name}</strong>
          <span className="dim">
            {t(`modality.${job.image.modality}`)} · {job.image.axis_codes}
          </span>
        </span>
        <span className="job-state">
          <StateBadge state={job.status} />
          {(job.doubt ?? null) !== null && (
            <span className="dim job-doubt" title={t('jobs.doubtHint')}>
              {t('jobs.doubt', { percent: Math.round(100 * (job.doubt ?? 0)) })}
            </span>
          )}
        </span>
        <VolumeWords job={job} />
        <time className="dim job-time" dateTime={new Date(job.updated_ms).toISOString()} title={formatDate(job.updated_ms, i18n.language)}>
          {formatAgo(job.updated_ms, now, i18n.language)}
        </time>
      </a>
      <Tooltip label={t('common.delete')}>
        <ActionIcon size="lg" aria-label={t('jobs.deleteJob', { name: job.name })} onClick={onDelete} data-testid="delete-job">
          <IconTrash size={18} />
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

export function JobTable({ jobs }: { jobs: readonly JobSummary[] }): React.JSX.Element {
  const [toDelete, setToDelete] = useState<JobSummary | null>(null);
  return (
    <>
      <ul className="job-list" data-testid="job-list">
        {jobs.map((job) => (
          <JobRow
            key={job.job_id}
            job={job}
            onDelete={() => {
              setToDelete(job);
            }}
          />
        ))}
      </ul>
      <DeleteDialog
        job={toDelete}
        onClose={() => {
          setToDelete(null);
        }}
      />
    </>
  );
}
