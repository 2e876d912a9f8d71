// The first page: open a volume, or one of the jobs that are there.
import { useEffect, useState } from 'react';
import { Alert, Button, Select, Skeleton, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { JobSummary } from '../api/types';
import { refreshJobs, watchJobs } from '../state/jobs';
import { errorText } from '../state/notices';
import { useStore } from '../state/store';
import { HeaderControls } from './HeaderControls';
import { JobTable } from './JobTable';
import { Logo } from './Logo';
import { OpenVolume } from './OpenVolume';

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

const ORDERS = ['newest', 'doubtful'] as const;

type Order = (typeof ORDERS)[number];

/** The server's order is newest first; by doubt, jobs that nobody doubts come last. */
function inOrder(jobs: readonly JobSummary[], order: Order): readonly JobSummary[] {
  return order === 'newest' ? jobs : jobs.toSorted((a, b) => (b.doubt ?? -1) - (a.doubt ?? -1));
}

function JobsSection(): React.JSX.Element {
  const [order, setOrder] = useState<Order>('newest');
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
  if (jobs.length === 0) return <Steps />;
  return (
    <>
      <div className="section-title">
        <Title order={2} size="h4">
          {t('jobs.title')}
        </Title>
        <Text c="dimmed" size="sm">
          {t('jobs.count', { count: jobs.length })}
        </Text>
        <span className="grow" />
        {jobs.length > 1 && (
          <Select
            aria-label={t('jobs.order')}
            data-testid="order"
            value={order}
            data={ORDERS.map((value) => ({ value, label: t(`jobs.${value}`) }))}
            onChange={(value) => {
              setOrder(value ?? 'newest');
            }}
          />
        )}
      </div>
      <JobTable jobs={inOrder(jobs, order)} />
    </>
  );
}

export function JobsPage(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => watchJobs(), []);
  useEffect(() => {
    document.title = t('app.name');
  }, [t]);
  return (
    <div className="jobs-page">
      <header className="header">
        <Logo />
        <h1 className="brand">{t('app.name')}</h1>
        <span className="tagline">{t('app.tagline')}</span>
        <span className="grow" />
        <HeaderControls />
      </header>
      <main id="main" className="jobs-main">
        <OpenVolume />
        <JobsSection />
      </main>
    </div>
  );
}
