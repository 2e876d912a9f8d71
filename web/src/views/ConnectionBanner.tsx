// Says that the server is away, as long as it is.
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';

export function ConnectionBanner(): React.JSX.Element | null {
  const { t } = useTranslation();
  const connected = useStore((state) => state.connected);
  const waiting = useStore((state) => state.saving.waiting);
  if (connected !== false) return null;
  return (
    <div className="connection-banner" role="status" data-testid="connection-lost">
      <IconPlugConnectedX size={18} aria-hidden />
      <span>{t('connection.lost')}</span>
      <span className="connection-hint">
        {waiting > 0 ? t('connection.lostWaiting', { count: waiting }) : t('connection.lostHint')}
      </span>
    </div>
  );
}
