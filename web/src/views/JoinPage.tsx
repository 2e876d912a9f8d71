// Takes an invitation up: name and password for somebody new, a new password for somebody who has a name.
import { useEffect, useState, type SyntheticEvent } from 'react';
import { Alert, Button, Loader, PasswordInput, Text, TextInput, Title } from '@mantine/core';
import { IconAlertTriangle, IconLock, IconUser } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { lookAtInvitation } from '../api/access';
import type { ApiError } from '../api/http';
import type { Invitation } from '../api/types';
import { errorText, toApiError } from '../state/notices';
import { replaceWith } from '../state/router';
import { accept } from '../state/session';
import { Doorway } from './SignInPage';

function Form({ invite, invitation }: { invite: string; invitation: Invitation }): React.JSX.Element {
  const { t } = useTranslation();
  const known = invitation.name ?? null;
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    const refused = await accept(invite, known ?? name.trim(), password);
    setAsking(false);
    setError(refused);
    if (refused === null) replaceWith({ page: 'jobs' });
  };
  const isAboutName = error?.field === 'name' || error?.code === 'name_taken';
  const words = error === null ? null : errorText(error);
  return (
    <form className="sign-in-card" onSubmit={(event) => void submit(event)} data-testid="join">
      <Title order={2} size="h4">
        {known === null ? t('access.join') : t('access.newPasswordFor', { name: known })}
      </Title>
      {known === null && (
        <Text c="dimmed" size="sm" data-testid="join-role">
          {t('access.joinText', { role: t(`role.${invitation.role}`) })}
        </Text>
      )}
      {known === null ? (
        <TextInput
          label={t('access.name')}
          description={t('access.nameHint')}
          leftSection={<IconUser size={16} aria-hidden />}
          autoComplete="username"
          autoFocus
          required
          maxLength={100}
          value={name}
          error={isAboutName ? words : null}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
          data-testid="join-name"
        />
      ) : (
        // Password managers look for a name beside the password.
        <input type="hidden" autoComplete="username" value={known} readOnly />
      )}
      <PasswordInput
        label={t('access.newPassword')}
        description={t('access.passwordHint')}
        leftSection={<IconLock size={16} aria-hidden />}
        autoComplete="new-password"
        required
        value={password}
        error={isAboutName ? null : words}
        onChange={(event) => {
          setPassword(event.currentTarget.value);
        }}
        data-testid="join-password"
      />
      <Button type="submit" loading={isAsking} disabled={password === '' || (known === null && name.trim() === '')} data-testid="join-button">
        {known === null ? t('access.joinNow') : t('access.keepPassword')}
      </Button>
    </form>
  );
}

export default function JoinPage(): React.JSX.Element {
  const { t } = useTranslation();
  const [invite] = useState(() => window.location.hash.slice(1));
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    document.title = `${t('access.join')} · ${t('app.name')}`;
  }, [t]);
  useEffect(() => {
    lookAtInvitation(invite).then(setInvitation, (cause: unknown) => {
      setError(toApiError(cause));
    });
  }, [invite]);
  return (
    <Doorway>
      {invitation !== null && <Form invite={invite} invitation={invitation} />}
      {error !== null && (
        <Alert color="red" icon={<IconAlertTriangle />} title={t('access.inviteRefused')} maw={460} data-testid="join-refused">
          <Text size="sm">{error.code === 'used_up' ? t('access.inviteOver') : errorText(error)}</Text>
        </Alert>
      )}
      {invitation === null && error === null && <Loader />}
    </Doorway>
  );
}
