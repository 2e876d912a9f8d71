// One job: the slices, what to tell the engine, and what came of it.
import { useEffect } from 'react';
import { Button, Center, Loader, Stack, Text, Title, Tooltip, ActionIcon } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatSpacing } from '../core/format';
import { reviewStateOf } from '../core/job_list';
import { watchJob } from '../state/job';
import { errorText } from '../state/notices';
import { navigate } from '../state/router';
import { useStore } from '../state/store';
import { AcceptedBanner } from './AcceptedBanner';
import { ClashDialog } from './ClashDialog';
import { DownloadMenu } from './DownloadMenu';
import { HeaderControls } from './HeaderControls';
import { ImageView } from './ImageView';
import { ModalityChoice } from './ModalityChoice';
import { Panel } from './Panel';
import { Readout } from './Readout';
import { RefusedDialog } from './RefusedDialog';
import { ReviewBadge } from './ReviewBadge';
import { StateBadge } from './StateBadge';
import { ToolOptions } from './ToolOptions';
import { ToolRail } from './ToolRail';
import { ToolWord } from './ToolWord';
import { Tour } from './Tour';
import { useJobKeys } from './job_keys';
import { UndoRedo } from './UndoRedo';
import { ViewerBanner } from './ViewerBanner';
import { ViewerToolbar } from './ViewerToolbar';

function toList(): void {
  navigate({ page: 'jobs' });
}

function JobHeader(): React.JSX.Element {
  const { t } = useTranslation();
  const job = useStore((state) => state.open?.job);
  const [i = 0, j = 0, k = 0] = job?.image.shape ?? [];
  const facts =
    job === undefined
      ? ''
      : `${t('jobs.voxels', { i, j, k })} · ${t('jobs.spacing', { spacing: formatSpacing(job.image.spacing_mm) })} · ${job.image.axis_codes}`;
  return (
    <header className="header">
      <Tooltip label={t('common.back')}>
        <ActionIcon aria-label={t('common.back')} onClick={toList} size="lg" data-testid="back">
          <IconArrowLeft size={20} />
        </ActionIcon>
      </Tooltip>
      {job !== undefined && (
        <>
          <h1 className="job-title" title={`${job.name}\n${facts}`} data-testid="job-name">
            {job.name}
          </h1>
          <StateBadge state={job.status} />
          <ReviewBadge state={reviewStateOf(job)} />
          <ModalityChoice job={job} />
          <span className="dim job-facts">{facts}</span>
        </>
      )}
      <span className="grow" />
      <UndoRedo />
      <DownloadMenu />
      <HeaderControls />
    </header>
  );
}

function NoJob({ jobId }: { jobId: string }): React.JSX.Element {
  const { t } = useTranslation();
  const error = useStore((state) => state.jobError);
  if (error === null) {
    return (
      <Center component="main" id="main" className="fill" data-testid="job-loading">
        <Loader aria-label={t('common.loading')} />
      </Center>
    );
  }
  return (
    <Center component="main" id="main" className="fill">
      <Stack align="center" role="alert" data-testid="job-missing" data-job={jobId}>
        <Title order={1} size="h2">{error.kind === 'failed' ? t('error.title') : t('job.missing')}</Title>
        <Text c="dimmed">
          {error.kind === 'failed'
            ? errorText(error.error)
            : t(error.kind === 'removed' ? 'job.removed' : 'job.missingText')}
        </Text>
        <Button onClick={toList}>{t('common.back')}</Button>
      </Stack>
    </Center>
  );
}

export default function JobPage({ jobId }: { jobId: string }): React.JSX.Element {
  const { t } = useTranslation();
  const isOpen = useStore((state) => state.open !== null);
  const name = useStore((state) => state.open?.job.name);
  useEffect(() => watchJob(jobId), [jobId]);
  useEffect(() => {
    document.title = name === undefined ? t('app.name') : `${name} – ${t('app.name')}`;
  }, [name, t]);
  useJobKeys();
  return (
    <div className="job-page">
      <JobHeader />
      <ViewerBanner />
      <AcceptedBanner />
      {isOpen ? (
        <div className="workplace">
          <ViewerToolbar />
          <ToolRail />
          <main id="main" className="stage" aria-label={t('job.region')}>
            <ToolOptions />
            <ToolWord />
            <ImageView />
            <Readout />
          </main>
          <Panel />
          <ClashDialog />
          <RefusedDialog />
        </div>
      ) : (
        <NoJob jobId={jobId} />
      )}
      <Tour />
    </div>
  );
}
