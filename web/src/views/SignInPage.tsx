// Asks for the server's token, once per browser.
import { useState, type SyntheticEvent } from 'react';
import { Button, PasswordInput, Text, Title } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../api/http';
import { errorText } from '../state/notices';
import { signIn } from '../state/session';
import { HeaderControls } from './HeaderControls';
import { Logo } from './Logo';

export function SignInPage(): React.JSX.Element {
  const { t } = useTranslation();
  const [token, setToken] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    setError(await signIn(token.trim()));
    setAsking(false);
  };
  return (
    <div className="jobs-page">
      <header className="header">
        <Logo />
        <h1 className="brand">{t('app.name')}</h1>
        <span className="grow" />
        <HeaderControls />
      </header>
      <main id="main" className="sign-in">
        <form className="sign-in-card" onSubmit={(event) => void submit(event)} data-testid="sign-in">
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
      </main>
    </div>
  );
}
