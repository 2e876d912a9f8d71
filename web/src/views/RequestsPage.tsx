// Requests for a laboratory's own programs: ask, look what came of it, take files away.
import { useEffect } from 'react';
import { Alert, Button, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../state/notices';
import { loadOlderRequests, refreshRequests, watchRequests } from '../state/requests';
import { useStore } from '../state/store';
import { NewRequest, NoAgent } from './NewRequest';
import { PageHeader } from './PageHeader';
import { RequestTable } from './RequestTable';

function Requests(): React.JSX.Element {
  const { t } = useTranslation();
  const { requests, error, hasOlder } = useStore((state) => state.desk);
  if (requests === null && error !== null) {
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title={t('requests.notLoaded')} data-testid="requests-error">
        <Text size="sm" mb="sm">
          {errorText(error)}
        </Text>
        <Button size="xs" variant="light" color="red" onClick={() => void refreshRequests()}>
          {t('common.retry')}
        </Button>
      </Alert>
    );
  }
  if (requests === null) return <Skeleton height={220} aria-label={t('common.loading')} />;
  if (requests.length === 0) {
    return (
      <div className="task-none" role="status" data-testid="requests-empty">
        <p>{t('requests.none')}</p>
        <p className="dim">{t('requests.noneText')}</p>
      </div>
    );
  }
  return (
    <>
      <RequestTable requests={requests} />
      {hasOlder && (
        <Button variant="default" className="task-older" onClick={() => void loadOlderRequests()} data-testid="requests-older">
          {t('requests.older')}
        </Button>
      )}
    </>
  );
}

export default function RequestsPage(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => watchRequests(), []);
  return (
    <div className="jobs-page">
      <PageHeader title={t('pages.requests')} />
      <main id="main" className="tasks-main">
        <NoAgent />
        <NewRequest />
        <Requests />
      </main>
    </div>
  );
}
