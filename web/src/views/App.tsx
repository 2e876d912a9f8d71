// The page's frame: notices and connection above whatever the address shows.
import { Component, lazy, Suspense, useEffect, type ReactNode } from 'react';
import { Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useRoute } from '../state/router';
import { refreshSession } from '../state/session';
import { useStore } from '../state/store';
import { ConnectionBanner } from './ConnectionBanner';
import { JobsPage } from './JobsPage';
import { Notices } from './Notices';
import { ShortcutSheet } from './ShortcutSheet';
import { SignInPage } from './SignInPage';
import { UnknownPage } from './UnknownPage';

const JobPage = lazy(() => import('./JobPage'));
const AuditPage = lazy(() => import('./AuditPage'));
const DiagnosisPage = lazy(() => import('./DiagnosisPage'));
const RequestsPage = lazy(() => import('./RequestsPage'));
const DevicesPage = lazy(() => import('./DevicesPage'));
const TasksPage = lazy(() => import('./TasksPage'));
const SettingsPage = lazy(() => import('./SettingsPage'));
const PeoplePage = lazy(() => import('./PeoplePage'));
const AccountPage = lazy(() => import('./AccountPage'));
const JoinPage = lazy(() => import('./JoinPage'));

function Stumbled(): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Center className="fill">
      <Stack align="center" role="alert">
        <Title order={2}>{t('error.crashed')}</Title>
        <Text c="dimmed">{t('error.crashedText')}</Text>
        <Button
          onClick={() => {
            window.location.reload();
          }}
        >
          {t('error.reload')}
        </Button>
      </Stack>
    </Center>
  );
}

/** Shows a way on where drawing the page failed. */
class Guard extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <Stumbled /> : this.props.children;
  }
}

function Page(): React.JSX.Element {
  const route = useRoute();
  const isClosed = useStore(({ session }) => session?.signed_in === false);
  // Whoever is invited cannot sign in yet.
  if (route.page === 'join') return <JoinPage />;
  if (isClosed) return <SignInPage />;
  switch (route.page) {
    case 'jobs':
      return <JobsPage />;
    case 'unknown':
      return <UnknownPage />;
    case 'tasks':
      return <TasksPage />;
    case 'requests':
      return <RequestsPage />;
    case 'devices':
      return <DevicesPage />;
    case 'audit':
      return <AuditPage />;
    case 'settings':
      return <SettingsPage />;
    case 'people':
      return <PeoplePage />;
    case 'account':
      return <AccountPage />;
    case 'diagnosis':
      return <DiagnosisPage />;
    case 'job':
      return <JobPage key={route.jobId} jobId={route.jobId} />;
  }
}

export function App(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => {
    void refreshSession();
  }, []);
  return (
    <Guard>
      <div className="app">
        <a className="skip" href="#main">
          {t('app.skip')}
        </a>
        <ConnectionBanner />
        <Suspense
          fallback={
            <Center className="fill">
              <Loader />
            </Center>
          }
        >
          <Page />
        </Suspense>
        <Notices />
        <ShortcutSheet />
      </div>
    </Guard>
  );
}
