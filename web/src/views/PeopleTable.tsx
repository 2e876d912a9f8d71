// The people who may sign in: their roles, when they were last here, and ways to shut them out.
import { useState } from 'react';
import { Button, Menu, Select } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { deletePerson, putPerson } from '../api/access';
import type { Account, AccountChange } from '../api/types';
import { asRole, ROLES } from '../core/access';
import { formatAgo } from '../core/format';
import { attempt } from '../state/notices';
import { useNow } from './use_now';

interface PeopleTableProps {
  readonly people: readonly Account[];
  readonly onChanged: () => Promise<void>;
  readonly onReset: (person: Account) => Promise<void>;
}

function Row({ person, onChanged, onReset }: Omit<PeopleTableProps, 'people'> & { person: Account }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const [isAsking, setAsking] = useState(false);
  const run = async (call: () => Promise<unknown>): Promise<void> => {
    setAsking(true);
    await attempt(async () => {
      await call();
    }, t('access.notChanged'));
    // Also where it was refused: what is shown is what is so.
    await onChanged();
    setAsking(false);
  };
  const change = (wish: AccountChange): Promise<void> => run(() => putPerson(person.person_id, wish));
  const seen = person.last_seen_ms;
  return (
    <tr data-testid="person-row">
      <th scope="row">{person.name}</th>
      <td>
        <Select
          size="xs"
          aria-label={`${t('access.role')}: ${person.name}`}
          data={ROLES.map((it) => ({ value: it, label: t(`role.${it}`) }))}
          value={person.role}
          disabled={isAsking}
          allowDeselect={false}
          data-testid="person-role"
          onChange={(value) => void change({ role: asRole(value) })}
        />
      </td>
      <td>{typeof seen === 'number' ? formatAgo(seen, now, i18n.language) : t('access.never')}</td>
      <td data-testid="person-state">{t(person.disabled ? 'access.isDisabled' : 'access.isEnabled')}</td>
      <td className="access-end">
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <Button size="compact-sm" variant="default" loading={isAsking} aria-label={`${t('access.more')}: ${person.name}`} data-testid="person-more">
              <IconDots size={16} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item data-testid="person-reset" onClick={() => void run(() => onReset(person))}>
              {t('access.resetPassword')}
            </Menu.Item>
            <Menu.Item data-testid="person-disable" onClick={() => void change({ disabled: !person.disabled })}>
              {t(person.disabled ? 'access.enable' : 'access.disable')}
            </Menu.Item>
            <Menu.Item color="red" data-testid="person-remove" onClick={() => void run(() => deletePerson(person.person_id))}>
              {t('access.remove')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </td>
    </tr>
  );
}

export function PeopleTable({ people, onChanged, onReset }: PeopleTableProps): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="access-scroll" tabIndex={0} role="region" aria-label={t('access.people')}>
      <table className="access-table">
        <thead>
          <tr>
            <th scope="col">{t('access.name')}</th>
            <th scope="col">{t('access.role')}</th>
            <th scope="col">{t('access.lastSeen')}</th>
            <th scope="col">{t('access.state')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {people.map((it) => (
            <Row key={it.person_id} person={it} onChanged={onChanged} onReset={onReset} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
