// After a propagation, at the panel's foot: what came of it, and the next step by one key each.
import { Button, CloseButton } from '@mantine/core';
import { IconCircleCheck, IconEyeSearch, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { labelCounts } from '../core/edit/census';
import { isJudged, ratedRevision } from '../core/confidence';
import { accept, canAccept } from '../state/accept';
import { changedSince, goToDoubtful, toLookAt } from '../state/doubt';
import { canPropagate, runPropagation } from '../state/prompts';
import { patchOpen, useStore, type OpenJob } from '../state/store';

/** As it stands on keyboards; the same in every language. */
const ACCEPT_KEY = 'Ctrl ↵';

/** Whether every voxel of the mask belongs to an object of the case. */
function isWhole({ mask, job }: OpenJob): boolean {
  const known = new Set(job.labels.map(({ value }) => value));
  return mask !== null && [...labelCounts(mask).keys()].every((label) => known.has(label));
}

export function ResultBar(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  const engines = useStore((state) => state.engines);
  const waiting = useStore((state) => state.saving.waiting);
  const rated = open === null ? null : ratedRevision(open);
  if (open === null || rated === null || open.dismissed === rated.revision_id || open.job.task?.kind === 'propagate' || !canAccept(open)) return null;
  const count = toLookAt(open).length;
  // What was changed by hand is handed over where it is looked at: in the tab of the review, or by the key.
  const isOffered = waiting === 0 && isJudged(open, rated) && isWhole(open);
  const isChanged = changedSince(open, rated);
  return (
    <div className="result-bar" role="status" data-testid="result-bar" data-changed={isChanged}>
      <div className="result-head">
        <span>
          <strong>{t(isChanged ? 'result.changed' : 'result.ready')}</strong> {count === 0 ? t('result.sure') : t('result.doubtful', { count })}
        </span>
        <CloseButton
          size={32}
          aria-label={t('common.close')}
          onClick={() => {
            patchOpen({ dismissed: rated.revision_id });
          }}
        />
      </div>
      {count > 0 && (
        <Button size="compact-sm" variant="default" leftSection={<IconEyeSearch size={15} aria-hidden />} data-testid="review-doubtful" onClick={goToDoubtful}>
          {t('result.review')} <kbd>D</kbd>
        </Button>
      )}
      {isChanged && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconRefresh size={15} aria-hidden />}
          disabled={!canPropagate(open, engines)}
          data-testid="solve-again"
          onClick={() => void runPropagation()}
        >
          {t('result.again')} <kbd>⇧↵</kbd>
        </Button>
      )}
      {isOffered && (
        <Button size="compact-sm" leftSection={<IconCircleCheck size={15} aria-hidden />} loading={open.asking} data-testid="accept" onClick={() => void accept()}>
          {t('result.accept')} <kbd>{ACCEPT_KEY}</kbd>
        </Button>
      )}
    </div>
  );
}
