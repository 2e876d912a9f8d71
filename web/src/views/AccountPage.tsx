// One's own account: password, where one is signed in, tokens of one's own programs.
import { useCallback, useEffect, useState, type SyntheticEvent } from 'react';
import { Alert, Button, PasswordInput, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { deleteCredential, listCredentials, putPassword } from '../api/access';
import type { ApiError } from '../api/http';
import type { Credential } from '../api/types';
import { ofKinds } from '../core/access';
import { attempt, errorText, notifyDone, toApiError } from '../state/notices';
import { refreshSession } from '../state/session';
import { useStore } from '../state/store';
import { CredentialTable } from './CredentialTable';
import { HeaderControls } from './HeaderControls';
import { Logo } from './Logo';
import { MakeToken } from './MakeToken';
import { Section } from './Section';

function Password({ onChanged }: { onChanged: () => Promise<void> }): React.JSX.Element {
  const { t } = useTranslation();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    setError(null);
    try {
      await putPassword(current, next);
      setCurrent('');
      setNext('');
      notifyDone(t('access.passwordChanged'));
      await onChanged();
    } catch (cause) {
      setError(toApiError(cause));
    }
    setAsking(false);
  };
  const isAboutNew = error?.field === 'new';
  return (
    <form className="access-form" onSubmit={(event) => void submit(event)}>
      <PasswordInput
        label={t('access.currentPassword')}
        autoComplete="current-password"
        value={current}
        error={error === null || isAboutNew ? null : errorText(error)}
        data-testid="current-password"
        onChange={(event) => {
          setCurrent(event.currentTarget.value);
        }}
      />
      <PasswordInput
        label={t('access.newPassword')}
        autoComplete="new-password"
        value={next}
        error={isAboutNew ? errorText(error) : null}
        data-testid="new-password"
        onChange={(event) => {
          setNext(event.currentTarget.value);
        }}
      />
      <Button type="submit" loading={isAsking} disabled={current === '' || next === ''} data-testid="change-password">
        {t('access.changePassword')}
      </Button>
    </form>
  );
}

function Own(): React.JSX.Element {
  const { t } = useTranslation();
  const [credentials, setCredentials] = useState<readonly Credential[] | null>(null);
  const read = useCallback(async () => {
    await attempt(async () => {
      setCredentials(await listCredentials('own'));
    }, t('access.notRead'));
  }, [t]);
  useEffect(() => {
    void read();
  }, [read]);
  const revoke = async (it: Credential): Promise<void> => {
    await attempt(async () => {
      await deleteCredential('own', it.credential_id);
      // The session in use ends here and now.
      await (it.is_this === true ? refreshSession() : read());
    }, t('access.notRevoked'));
  };
  return (
    <>
      <Section title={t('access.password')}>
        <Text size="sm" c="dimmed">
          {t('access.passwordHint')}
        </Text>
        <Password onChanged={read} />
      </Section>
      {credentials === null ? (
        <Skeleton height={200} />
      ) : (
        <>
          <Section title={t('access.signedInAt')}>
            <CredentialTable
              label={t('access.signedInAt')}
              credentials={ofKinds(credentials, ['session'])}
              none={t('access.noSessions')}
              nameOf={(it) => (it.name === '' ? t('access.unnamed') : it.name)}
              onRevoke={revoke}
            />
          </Section>
          <Section title={t('access.ownTokens')}>
            <Text size="sm" c="dimmed">
              {t('access.ownTokensText')}
            </Text>
            <MakeToken whose="own" onMade={read} />
            <CredentialTable label={t('access.ownTokens')} credentials={ofKinds(credentials, ['token'])} none={t('access.noTokens')} onRevoke={revoke} />
          </Section>
        </>
      )}
    </>
  );
}

export default function AccountPage(): React.JSX.Element {
  const { t } = useTranslation();
  const session = useStore((state) => state.session);
  useEffect(() => {
    document.title = `${t('pages.account')} · ${t('app.name')}`;
  }, [t]);
  return (
    <div className="jobs-page">
      <header className="header">
        <Logo />
        <h1 className="brand">{t('pages.account')}</h1>
        {typeof session?.name === 'string' && typeof session.role === 'string' && (
          <span className="tagline" data-testid="account-who">
            {t('access.youAre', { name: session.name, role: t(`role.${session.role}`) })}
          </span>
        )}
        <span className="grow" />
        <HeaderControls />
      </header>
      <main id="main" className="settings-main" data-testid="account">
        {session?.signed_in_as === 'person' ? <Own /> : <Alert icon={<IconAlertTriangle />}>{t('access.noAccount')}</Alert>}
      </main>
    </div>
  );
}
