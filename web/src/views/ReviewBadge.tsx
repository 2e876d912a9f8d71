// A review's state in a word, a sign and a colour.
import { IconCircleCheck, IconCircleX, IconEyeCheck, IconPencil, type Icon } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ReviewState } from '../api/types';

const SIGNS: Readonly<Record<ReviewState, Icon>> = {
  draft: IconPencil,
  in_review: IconEyeCheck,
  accepted: IconCircleCheck,
  rejected: IconCircleX,
};

export function ReviewBadge({ state }: { state: ReviewState }): React.JSX.Element {
  const { t } = useTranslation();
  const Sign = SIGNS[state];
  return (
    <span className={`state review-${state}`} data-testid="review-state" data-review={state}>
      <Sign size={14} aria-hidden />
      <span className="state-word">{t(`reviewState.${state}`)}</span>
    </span>
  );
}
