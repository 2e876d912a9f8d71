// Says above the work that the case was accepted, and lets it be reopened.
import { useState } from 'react';
import { Button } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatDate } from '../core/format';
import { mayBe } from '../state/access';
import { isAccepted } from '../state/accepted';
import { stepReview } from '../state/review';
import { useStore } from '../state/store';
import { usePersonName } from './use_records';

export function AcceptedBanner(): React.JSX.Element | null {
  const { t, i18n } = useTranslation();
  const open = useStore((state) => state.open);
  const personName = usePersonName();
  const mayReopen = useStore((state) => mayBe(state, 'reviewer'));
  const [isAsking, setAsking] = useState(false);
  if (open === null || !isAccepted(open)) return null;
  const { by, at_ms: at } = open.job.review;
  const reopen = async (): Promise<void> => {
    setAsking(true);
    await stepReview('draft', '');
    setAsking(false);
  };
  return (
    <div className="accepted-banner" role="status" data-testid="accepted-banner">
      <IconCircleCheck size={18} aria-hidden />
      <span className="grow">{t('review.banner', { name: personName(by), when: typeof at === 'number' ? formatDate(at, i18n.language) : '' })}</span>
      {mayReopen && (
        <Button size="compact-sm" variant="default" loading={isAsking} onClick={() => void reopen()} data-testid="reopen">
          {t('review.reopen')}
        </Button>
      )}
    </div>
  );
}
