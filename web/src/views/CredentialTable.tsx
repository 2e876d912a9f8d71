// What opens the server, a row each, with a way to take it back.
import { useState } from 'react';
import { Badge, Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Credential } from '../api/types';
import { formatAgo, formatDate } from '../core/format';
import { useNow } from './use_now';

interface CredentialTableProps {
  readonly label: string;
  readonly credentials: readonly Credential[];
  readonly none: string;
  /** Names of people, where rows of several are shown. */
  readonly nameOf?: (credential: Credential) => string;
  readonly onRevoke: (credential: Credential) => Promise<void>;
}

function Revoke({ credential, onRevoke }: Pick<CredentialTableProps, 'onRevoke'> & { credential: Credential }): React.JSX.Element {
  const { t } = useTranslation();
  const [isSure, setSure] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const revoke = async (): Promise<void> => {
    if (!isSure) {
      setSure(true);
      return;
    }
    setAsking(true);
    await onRevoke(credential);
    setAsking(false);
    setSure(false);
  };
  return (
    <Button
      size="compact-sm"
      variant={isSure ? 'filled' : 'default'}
      color="red"
      loading={isAsking}
      aria-label={`${t(isSure ? 'access.reallyRevoke' : 'access.revoke')}: ${credential.name}`}
      data-testid="revoke"
      onBlur={() => {
        setSure(false);
      }}
      onClick={() => void revoke()}
    >
      {t(isSure ? 'access.reallyRevoke' : 'access.revoke')}
    </Button>
  );
}

export function CredentialTable({ label, credentials, none, nameOf, onRevoke }: CredentialTableProps): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useNow();
  if (credentials.length === 0) return <p className="dim">{none}</p>;
  const ago = (ms: number | null | undefined): string => (typeof ms === 'number' ? formatAgo(ms, now, i18n.language) : t('access.never'));
  return (
    <div className="access-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="access-table">
        <thead>
          <tr>
            <th scope="col">{t('access.name')}</th>
            <th scope="col">{t('access.what')}</th>
            <th scope="col">{t('access.made')}</th>
            <th scope="col">{t('access.lastSeen')}</th>
            <th scope="col">{t('access.expires')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {credentials.map((it) => (
            <tr key={it.credential_id} data-testid={`credential-${it.kind}`}>
              <th scope="row">
                {(nameOf ?? ((row: Credential) => row.name))(it)}
                {it.is_this === true && (
                  <Badge size="sm" variant="light" ml={8}>
                    {t('access.thisOne')}
                  </Badge>
                )}
              </th>
              <td>
                {t(`credentialKind.${it.kind}`)}
                {it.kind !== 'agent' && it.kind !== 'join' && ` · ${t(`role.${it.role}`)}`}
              </td>
              <td title={formatDate(it.created_ms, i18n.language)}>{ago(it.created_ms)}</td>
              <td>{ago(it.last_seen_ms)}</td>
              <td>{typeof it.expires_ms === 'number' ? formatDate(it.expires_ms, i18n.language) : t('access.notAtAll')}</td>
              <td className="access-end">
                <Revoke credential={it} onRevoke={onRevoke} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
