// Makes a token for a program: a name, what it may do, and the token itself, shown once.
import { useState, type SyntheticEvent } from 'react';
import { Button, Select, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { postCredential, type Whose } from '../api/access';
import { asRole, includes, ROLES } from '../core/access';
import { attempt } from '../state/notices';
import { useStore } from '../state/store';
import { SecretBox } from './SecretBox';

export function MakeToken({ whose, onMade }: { whose: Whose; onMade: () => Promise<void> }): React.JSX.Element {
  const { t } = useTranslation();
  const mine = useStore(({ session }) => session?.role ?? 'admin');
  const [name, setName] = useState('');
  const [role, setRole] = useState(asRole('viewer'));
  const [isAsking, setAsking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    await attempt(async () => {
      setSecret((await postCredential(whose, { kind: 'token', name: name.trim(), role })).secret);
      setName('');
      await onMade();
    }, t('access.notMade'));
    setAsking(false);
  };
  return (
    <>
      <form className="access-form" onSubmit={(event) => void submit(event)}>
        <TextInput
          label={t('access.tokenName')}
          value={name}
          maxLength={100}
          data-testid="token-name"
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <Select
          label={t('access.role')}
          data={ROLES.filter((it) => includes(mine, it)).map((it) => ({ value: it, label: t(`role.${it}`) }))}
          value={role}
          allowDeselect={false}
          data-testid="token-role"
          onChange={(value) => {
            setRole(asRole(value));
          }}
        />
        <Button type="submit" leftSection={<IconPlus size={16} aria-hidden />} loading={isAsking} disabled={name.trim() === ''} data-testid="make-token">
          {t('access.makeToken')}
        </Button>
      </form>
      {secret !== null && (
        <SecretBox
          title={t('access.token')}
          text={secret}
          hint={t('access.tokenHint')}
          onClose={() => {
            setSecret(null);
          }}
        />
      )}
    </>
  );
}
