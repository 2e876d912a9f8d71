// Says that the server is away, as long as it is.
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';
import { unsent } from '../state/works';

export function ConnectionBanner(): React.JSX.Element | null {
  const { t } = useTranslation();
  const connected = useStore((state) => state.connected);
  const saving = useStore((state) => state.saving);
  // Whoever is signed out hears nothing, however well the server is.
  const isClosed = useStore(({ session }) => session?.signed_in === false);
  if (connected !== false || isClosed) return null;
  // Also those of a case that was left: nothing is said to be safe that is not.
  const { waiting, isKept } = saving.waiting > 0 ? saving : unsent();
  return (
    <div className="connection-banner" role="status" data-testid="connection-lost">
      <IconPlugConnectedX size={18} aria-hidden />
      <span>{t('connection.lost')}</span>
      <span className="connection-hint">
        {waiting === 0 ? t('connection.lostHint') : isKept ? t('connection.lostKept', { count: waiting }) : t('connection.lostWaiting', { count: waiting })}
      </span>
    </div>
  );
}
