// Asks who comes, once per browser: name and password, or the server's token.
import { useState, type SyntheticEvent } from 'react';
import { Anchor, Button, PasswordInput, Text, TextInput, Title } from '@mantine/core';
import { IconKey, IconLock, IconUser } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../api/http';
import { errorText } from '../state/notices';
import { signIn, signInAs } from '../state/session';
import { useStore } from '../state/store';
import { HeaderControls } from './HeaderControls';
import { Logo } from './Logo';

/** A frame for what is asked before anything is shown. */
export function Doorway({ children }: { children: React.ReactNode }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="jobs-page">
      <header className="header">
        <Logo />
        <h1 className="brand">{t('app.name')}</h1>
        <span className="grow" />
        <HeaderControls />
      </header>
      <main id="main" className="sign-in">
        {children}
      </main>
    </div>
  );
}

/** Asks once at a time; the error of the last try. */
function useAsking(ask: () => Promise<ApiError | null>): {
  readonly isAsking: boolean;
  readonly error: ApiError | null;
  readonly submit: (event: SyntheticEvent) => void;
} {
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = async (): Promise<void> => {
    setAsking(true);
    setError(await ask());
    setAsking(false);
  };
  return {
    isAsking,
    error,
    submit: (event) => {
      event.preventDefault();
      void run();
    },
  };
}

function ByPassword(): React.JSX.Element {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { isAsking, error, submit } = useAsking(() => signInAs(name.trim(), password));
  return (
    <form className="sign-in-card" onSubmit={submit} data-testid="sign-in-password">
      <Title order={2} size="h4">
        {t('session.title')}
      </Title>
      <TextInput
        label={t('access.name')}
        leftSection={<IconUser size={16} aria-hidden />}
        autoComplete="username"
        autoFocus
        required
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
        data-testid="name"
      />
      <PasswordInput
        label={t('access.password')}
        leftSection={<IconLock size={16} aria-hidden />}
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => {
          setPassword(event.currentTarget.value);
        }}
        error={error === null ? null : error.code === 'wrong_password' ? t('access.wrongPassword') : errorText(error)}
        data-testid="password"
      />
      <Button type="submit" loading={isAsking} disabled={name.trim() === '' || password === ''} data-testid="sign-in-button">
        {t('session.signIn')}
      </Button>
      <Text c="dimmed" size="xs">
        {t('access.forgotten')}
      </Text>
    </form>
  );
}

function ByToken(): React.JSX.Element {
  const { t } = useTranslation();
  const [token, setToken] = useState('');
  const { isAsking, error, submit } = useAsking(() => signIn(token.trim()));
  return (
    <form className="sign-in-card" onSubmit={submit} data-testid="sign-in">
      <Title order={2} size="h4">
        {t('session.title')}
      </Title>
      <Text c="dimmed" size="sm">
        {t('session.text')}
      </Text>
      <PasswordInput
        label={t('session.token')}
        leftSection={<IconKey size={16} aria-hidden />}
        autoComplete="current-password"
        autoFocus
        required
        value={token}
        onChange={(event) => {
          setToken(event.currentTarget.value);
        }}
        error={error === null ? null : error.code === 'wrong_token' ? t('session.wrong') : errorText(error)}
        data-testid="token"
      />
      <Button type="submit" loading={isAsking} disabled={token.trim() === ''} data-testid="sign-in-button">
        {t('session.signIn')}
      </Button>
    </form>
  );
}

export function SignInPage(): React.JSX.Element {
  const { t } = useTranslation();
  const ways = useStore(({ session }) => session?.ways ?? []);
  const [chosen, setChosen] = useState<'password' | 'token' | null>(null);
  const way = chosen ?? ways[0] ?? null;
  const other = ways.find((it) => it !== way);
  return (
    <Doorway>
      <div className="sign-in-ways">
        {way === 'password' && <ByPassword />}
        {way === 'token' && <ByToken />}
        {way === null && (
          <Text c="dimmed" maw={420} data-testid="nobody-yet">
            {t('access.nobodyYet')}
          </Text>
        )}
        {other !== undefined && (
          <Anchor
            component="button"
            type="button"
            size="sm"
            data-testid={`by-${other}`}
            onClick={() => {
              setChosen(other);
            }}
          >
            {t(`accessWay.${other}`)}
          </Anchor>
        )}
      </div>
    </Doorway>
  );
}
