// Says above the work that looking is all that may be done here.
import { IconEye } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { mayBe } from '../state/access';
import { useStore } from '../state/store';

export function ViewerBanner(): React.JSX.Element | null {
  const { t } = useTranslation();
  const isViewer = useStore((state) => !mayBe(state, 'annotator'));
  if (!isViewer) return null;
  return (
    <div className="accepted-banner viewer-banner" role="status" data-testid="viewer-banner">
      <IconEye size={18} aria-hidden />
      <span className="grow">{t('access.viewOnlyText')}</span>
    </div>
  );
}
