// The first page: open a volume, or one of the cases that are there.
import { useEffect, useMemo } from 'react';
import { Alert, Button, Skeleton, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconChecklist, IconEye } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { JobSummary } from '../api/types';
import { FIRST_VIEW, nextToReview, shownJobs } from '../core/job_list';
import { mayBe } from '../state/access';
import { refreshJobs, watchJobs } from '../state/jobs';
import { changeList } from '../state/list';
import { errorText } from '../state/notices';
import { navigate } from '../state/router';
import { useStore } from '../state/store';
import { CaseFilters, CaseSearch } from './CaseFilters';
import { JobTable } from './JobTable';
import { OpenVolume } from './OpenVolume';
import { PageHeader } from './PageHeader';

function Steps(): React.JSX.Element {
  const { t } = useTranslation();
  const steps = [t('jobs.step1'), t('jobs.step2'), t('jobs.step3'), t('jobs.step4')];
  return (
    <div className="empty" data-testid="jobs-empty">
      <Title order={2} size="h4">
        {t('jobs.emptyTitle')}
      </Title>
      <Text c="dimmed">{t('jobs.emptyText')}</Text>
      <ol className="steps">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </div>
  );
}

function NextToReview({ jobs }: { jobs: readonly JobSummary[] }): React.JSX.Element {
  const { t } = useTranslation();
  const list = useStore((state) => state.list);
  const next = useMemo(() => nextToReview(jobs, list), [jobs, list]);
  return (
    <Button
      leftSection={<IconChecklist size={17} aria-hidden />}
      data-testid="next-to-review"
      disabled={next === null}
      title={next === null ? t('review.noneWaiting') : next.name}
      onClick={() => {
        if (next !== null) navigate({ page: 'job', jobId: next.job_id });
      }}
    >
      {t('list.nextToReview')}
    </Button>
  );
}

function NoMatch(): React.JSX.Element {
  const { t } = useTranslation();
  const { sort, rising } = useStore((state) => state.list);
  return (
    <div className="no-match" data-testid="no-match" role="status">
      <Text c="dimmed">{t('list.none')}</Text>
      <Button
        variant="default"
        onClick={() => {
          changeList({ ...FIRST_VIEW, sort, rising });
        }}
        data-testid="show-all"
      >
        {t('list.reset')}
      </Button>
    </div>
  );
}

function Cases({ jobs }: { jobs: readonly JobSummary[] }): React.JSX.Element {
  const { t } = useTranslation();
  const list = useStore((state) => state.list);
  const shown = useMemo(() => shownJobs(jobs, list), [jobs, list]);
  return (
    <section className="cases" aria-label={t('list.cases')}>
      <div className="section-title">
        <Title order={2} size="h4">
          {t('list.cases')}
        </Title>
        <Text c="dimmed" size="sm" data-testid="case-count" role="status">
          {shown.length === jobs.length ? t('list.count', { count: jobs.length }) : t('list.shown', { shown: shown.length, count: jobs.length })}
        </Text>
        <span className="grow" />
        <CaseSearch />
        <NextToReview jobs={jobs} />
      </div>
      <CaseFilters jobs={jobs} />
      {shown.length === 0 ? <NoMatch /> : <JobTable jobs={shown} />}
    </section>
  );
}

function JobsSection(): React.JSX.Element {
  const { t } = useTranslation();
  const jobs = useStore((state) => state.jobs);
  const error = useStore((state) => state.jobsError);
  if (jobs === null && error !== null) {
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title={t('error.load')} data-testid="jobs-error">
        <Text size="sm" mb="sm">
          {errorText(error)}
        </Text>
        <Button size="xs" variant="light" color="red" onClick={() => void refreshJobs()}>
          {t('common.retry')}
        </Button>
      </Alert>
    );
  }
  if (jobs === null) return <Skeleton height={220} />;
  return jobs.length === 0 ? <Steps /> : <Cases jobs={jobs} />;
}

export function JobsPage(): React.JSX.Element {
  const { t } = useTranslation();
  const mayOpen = useStore((state) => mayBe(state, 'annotator'));
  const hasCases = useStore((state) => (state.jobs ?? []).length > 0);
  useEffect(() => watchJobs(), []);
  return (
    <div className="jobs-page">
      <PageHeader hint={t('app.tagline')} />
      <main id="main" className={hasCases ? 'jobs-main jobs-main-list' : 'jobs-main'}>
        {mayOpen ? <OpenVolume isCompact={hasCases} /> : <Alert icon={<IconEye />}>{t('access.openNeedsMore')}</Alert>}
        <JobsSection />
      </main>
    </div>
  );
}
