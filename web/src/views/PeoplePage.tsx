// People and access: who may sign in and what they may do, invitations, tokens, agents.
import { useCallback, useEffect, useState } from 'react';
import { Alert, Button, Select, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { deleteCredential, listCredentials, listPeople, postCredential } from '../api/access';
import type { ApiError } from '../api/http';
import type { Account, Credential, CredentialRequest } from '../api/types';
import { asRole, joinCommand, joinLink, ofKinds, ROLES } from '../core/access';
import { mayBe } from '../state/access';
import { attempt, errorText, toApiError } from '../state/notices';
import { refreshSession } from '../state/session';
import { useStore } from '../state/store';
import { CredentialTable } from './CredentialTable';
import { MakeToken } from './MakeToken';
import { PageHeader } from './PageHeader';
import { PeopleTable } from './PeopleTable';
import { SecretBox } from './SecretBox';
import { Section } from './Section';

interface Known {
  readonly people: readonly Account[];
  readonly credentials: readonly Credential[];
}

interface Shown {
  readonly title: string;
  readonly text: string;
  readonly hint: string;
}

function Invite({ isFirst, onMake }: { isFirst: boolean; onMake: (request: CredentialRequest) => Promise<void> }): React.JSX.Element {
  const { t } = useTranslation();
  const [chosen, setRole] = useState(asRole('annotator'));
  const [isAsking, setAsking] = useState(false);
  const role = isFirst ? 'admin' : chosen;
  const make = async (): Promise<void> => {
    setAsking(true);
    await onMake({ kind: 'invite', role });
    setAsking(false);
  };
  return (
    <div className="access-form">
      <Select
        label={t('access.role')}
        description={t(`roleText.${role}`)}
        data={ROLES.map((it) => ({ value: it, label: t(`role.${it}`) }))}
        value={role}
        disabled={isFirst}
        allowDeselect={false}
        data-testid="invite-role"
        onChange={(value) => {
          setRole(asRole(value));
        }}
      />
      <Button leftSection={<IconPlus size={16} aria-hidden />} loading={isAsking} data-testid="make-invite" onClick={() => void make()}>
        {t('access.invite')}
      </Button>
    </div>
  );
}

function JoinToken({ onMake }: { onMake: (request: CredentialRequest) => Promise<void> }): React.JSX.Element {
  const { t } = useTranslation();
  const [isAsking, setAsking] = useState(false);
  const make = async (): Promise<void> => {
    setAsking(true);
    await onMake({ kind: 'join' });
    setAsking(false);
  };
  return (
    <Button leftSection={<IconPlus size={16} aria-hidden />} loading={isAsking} data-testid="make-join" onClick={() => void make()}>
      {t('access.makeJoin')}
    </Button>
  );
}

function Access(): React.JSX.Element {
  const { t } = useTranslation();
  const [known, setKnown] = useState<Known | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [shown, setShown] = useState<{ readonly of: 'invite' | 'join'; readonly secret: Shown } | null>(null);
  const read = useCallback(
    () =>
      Promise.all([listPeople(), listCredentials('all')]).then(
        ([people, credentials]) => {
          setKnown({ people, credentials });
          setError(null);
        },
        (cause: unknown) => {
          setError(toApiError(cause));
        },
      ),
    [],
  );
  useEffect(() => {
    void read();
  }, [read]);
  if (error !== null) {
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title={t('access.notRead')}>
        <Text size="sm" mb="sm">
          {errorText(error)}
        </Text>
        <Button size="xs" variant="light" color="red" onClick={() => void read()}>
          {t('common.retry')}
        </Button>
      </Alert>
    );
  }
  if (known === null) return <Skeleton height={320} />;
  const { people, credentials } = known;
  const make = async (request: CredentialRequest): Promise<void> => {
    await attempt(async () => {
      const { secret } = await postCredential('all', request);
      const { origin } = window.location;
      const text = request.kind === 'join' ? joinCommand(origin, secret) : joinLink(origin, secret);
      const title = t(request.kind === 'join' ? 'access.joinCommand' : 'access.inviteLink');
      const hint = t(request.kind === 'join' ? 'access.joinHint' : 'access.inviteHint');
      setShown({ of: request.kind === 'join' ? 'join' : 'invite', secret: { title, text, hint } });
      await read();
    }, t('access.notMade'));
  };
  const revoke = async ({ credential_id: id }: Credential): Promise<void> => {
    await attempt(async () => {
      await deleteCredential('all', id);
      await read();
    }, t('access.notRevoked'));
  };
  const changed = async (): Promise<void> => {
    await read();
    // It may be oneself who may do something else now.
    await refreshSession();
  };
  const box = (of: 'invite' | 'join'): React.JSX.Element | null =>
    shown?.of === of ? (
      <SecretBox
        {...shown.secret}
        onClose={() => {
          setShown(null);
        }}
      />
    ) : null;
  const personOf = ({ person_id: id }: Credential): string => people.find((it) => it.person_id === id)?.name ?? t('access.somebodyNew');
  const nameOf = (it: Credential): string => (it.name === '' ? t('access.unnamed') : it.name);
  return (
    <>
      <Section title={t('access.people')}>
        {people.length === 0 ? (
          <Alert icon={<IconAlertTriangle />} color="yellow" title={t('access.noPeople')} data-testid="no-people">
            {t('access.noPeopleText')}
          </Alert>
        ) : (
          <PeopleTable people={people} onChanged={changed} onReset={(it) => make({ kind: 'invite', person_id: it.person_id })} />
        )}
      </Section>
      <Section title={t('access.invitations')}>
        <Invite isFirst={people.length === 0} onMake={make} />
        {box('invite')}
        <CredentialTable
          label={t('access.invitations')}
          credentials={ofKinds(credentials, ['invite'])}
          none={t('access.noInvitations')}
          nameOf={personOf}
          onRevoke={revoke}
        />
      </Section>
      <Section title={t('access.agents')}>
        <Text size="sm" c="dimmed">
          {t('access.agentsText')}
        </Text>
        <div>
          <JoinToken onMake={make} />
        </div>
        {box('join')}
        <CredentialTable label={t('access.agents')} credentials={ofKinds(credentials, ['agent', 'join'])} none={t('access.noAgents')} nameOf={nameOf} onRevoke={revoke} />
      </Section>
      <Section title={t('access.tokens')}>
        <Text size="sm" c="dimmed">
          {t('access.tokensText')}
        </Text>
        <MakeToken whose="all" onMade={read} />
        <CredentialTable label={t('access.tokens')} credentials={ofKinds(credentials, ['token'])} none={t('access.noTokens')} onRevoke={revoke} />
      </Section>
      <Section title={t('access.sessions')}>
        <CredentialTable label={t('access.sessions')} credentials={ofKinds(credentials, ['session'])} none={t('access.noSessions')} nameOf={personOf} onRevoke={revoke} />
      </Section>
    </>
  );
}

export default function PeoplePage(): React.JSX.Element {
  const { t } = useTranslation();
  const isAdmin = useStore((state) => mayBe(state, 'admin'));
  return (
    <div className="jobs-page">
      <PageHeader title={t('pages.people')} />
      <main id="main" className="settings-main" data-testid="people">
        {isAdmin ? <Access /> : <Alert icon={<IconAlertTriangle />}>{t('access.adminsOnly')}</Alert>}
      </main>
    </div>
  );
}
