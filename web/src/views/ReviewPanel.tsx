// The review of the open case: where it stands, the next step with a comment, who did what, and the cases before and after.
import { useEffect, useMemo, useState } from 'react';
import { Button, Textarea, Tooltip } from '@mantine/core';
import { IconArrowRight, IconCheck, IconChecklist, IconChevronLeft, IconChevronRight, IconPencil, IconSend, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { JobSummary, ReviewState } from '../api/types';
import { includes } from '../core/access';
import { formatAgo, formatDate } from '../core/format';
import { neighboursOf, nextToReview, reviewStateOf } from '../core/job_list';
import { loadNeighbours } from '../state/list';
import { stepReview } from '../state/review';
import { navigate } from '../state/router';
import { useStore, type OpenJob } from '../state/store';
import { ReviewBadge } from './ReviewBadge';
import { Section } from './Section';
import { useNow } from './use_now';
import { usePersonName, useReviewSteps } from './use_records';

function open(job: JobSummary | null): void {
  if (job !== null) navigate({ page: 'job', jobId: job.job_id });
}

function Neighbours({ jobId }: { jobId: string }): React.JSX.Element {
  const { t } = useTranslation();
  const jobs = useStore((state) => state.jobs);
  const list = useStore((state) => state.list);
  const version = useStore((state) => state.open?.job.review.at_ms ?? 0);
  useEffect(() => {
    void loadNeighbours();
  }, [jobId, version]);
  const { previous, next, place, count } = useMemo(() => neighboursOf(jobs ?? [], list, jobId), [jobs, list, jobId]);
  const waiting = useMemo(() => nextToReview(jobs ?? [], list, jobId), [jobs, list, jobId]);
  return (
    <div className="neighbours">
      <Button
        variant="default"
        size="xs"
        leftSection={<IconChevronLeft size={16} aria-hidden />}
        disabled={previous === null}
        title={previous?.name}
        data-testid="previous-case"
        onClick={() => {
          open(previous);
        }}
      >
        {t('review.previous')}
      </Button>
      <span className="dim number" data-testid="case-place">
        {place === 0 ? t('review.placeNone', { count }) : t('review.place', { place, count })}
      </span>
      <Button
        variant="default"
        size="xs"
        rightSection={<IconChevronRight size={16} aria-hidden />}
        disabled={next === null}
        title={next?.name}
        data-testid="next-case"
        onClick={() => {
          open(next);
        }}
      >
        {t('review.next')}
      </Button>
      <Button
        className="neighbours-waiting"
        variant="light"
        size="xs"
        leftSection={<IconChecklist size={16} aria-hidden />}
        disabled={waiting === null}
        title={waiting === null ? t('review.noneWaiting') : waiting.name}
        data-testid="next-waiting"
        onClick={() => {
          open(waiting);
        }}
      >
        {t('review.nextWaiting')}
      </Button>
    </div>
  );
}

/** Draft, in review, and how it ended; the present one stands out. */
function Path({ state }: { state: ReviewState }): React.JSX.Element {
  const { t } = useTranslation();
  const steps: readonly ReviewState[] = ['draft', 'in_review', state === 'rejected' ? 'rejected' : 'accepted'];
  return (
    <ol className="review-path" aria-label={t('review.steps')}>
      {steps.map((step) => (
        <li key={step} className={step === state ? `review-step review-${step} review-step-now` : 'review-step'} aria-current={step === state ? 'step' : undefined}>
          {t(`reviewState.${step}`)}
        </li>
      ))}
    </ol>
  );
}

interface Step {
  readonly to: ReviewState;
  readonly words: 'submit' | 'submitAgain' | 'accept' | 'reject' | 'toDraft' | 'reopen';
  readonly look: 'filled' | 'green' | 'red' | 'default';
  readonly icon: React.ReactNode;
}

const SUBMIT = { to: 'in_review', look: 'filled', icon: <IconSend size={16} aria-hidden /> } as const;
const TO_DRAFT = { to: 'draft', words: 'toDraft', look: 'default', icon: <IconPencil size={16} aria-hidden /> } as const;

const STEPS: Readonly<Record<ReviewState, readonly Step[]>> = {
  draft: [{ ...SUBMIT, words: 'submit' }],
  in_review: [
    { to: 'accepted', words: 'accept', look: 'green', icon: <IconCheck size={16} aria-hidden /> },
    { to: 'rejected', words: 'reject', look: 'red', icon: <IconX size={16} aria-hidden /> },
    TO_DRAFT,
  ],
  rejected: [{ ...SUBMIT, words: 'submitAgain' }, TO_DRAFT],
  accepted: [{ ...TO_DRAFT, words: 'reopen' }],
};

/** Why a step cannot be taken; null where it can. */
function useWhyNot(openJob: OpenJob, comment: string): (step: Step) => string | null {
  const { t } = useTranslation();
  const hasMask = (openJob.job.head ?? null) !== null;
  const role = useStore(({ session }) => session?.role ?? 'admin');
  return ({ to }) => {
    const decides = to === 'accepted' || to === 'rejected' || reviewStateOf(openJob.job) === 'accepted';
    if (!includes(role, 'annotator')) return t('access.viewOnlyText');
    if (decides && !includes(role, 'reviewer')) return t('access.needsReviewer');
    if (!hasMask && to === 'in_review') return t('review.needsMask');
    if (!hasMask && to === 'accepted') return t('review.needsMaskAccept');
    return to === 'rejected' && comment.trim() === '' ? t('review.needsComment') : null;
  };
}

function Actions({ openJob }: { openJob: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const [comment, setComment] = useState('');
  const [asked, setAsked] = useState<ReviewState | null>(null);
  const state = reviewStateOf(openJob.job);
  const whyNot = useWhyNot(openJob, comment);
  const take = async (to: ReviewState): Promise<void> => {
    setAsked(to);
    const isTaken = await stepReview(to, comment);
    setAsked(null);
    if (isTaken) setComment('');
  };
  return (
    <>
      <Textarea
        label={t('review.comment')}
        description={state === 'in_review' ? t('review.commentHint') : undefined}
        value={comment}
        maxLength={2000}
        autosize
        minRows={2}
        maxRows={6}
        data-testid="review-comment"
        onChange={(event) => {
          setComment(event.currentTarget.value);
        }}
      />
      <div className="review-actions">
        {STEPS[state].map((step) => {
          const why = whyNot(step);
          return (
            <Tooltip key={step.to} label={why} disabled={why === null}>
              <Button
                size="xs"
                variant={step.look === 'default' ? 'default' : 'filled'}
                className={`step-${step.look}`}
                leftSection={step.icon}
                loading={asked === step.to}
                {...(why === null ? {} : { 'data-disabled': true })}
                aria-disabled={why !== null || asked !== null}
                aria-description={why ?? undefined}
                data-testid={`review-${step.to}`}
                onClick={() => {
                  if (why === null && asked === null) void take(step.to);
                }}
              >
                {t(`review.${step.words}`)}
              </Button>
            </Tooltip>
          );
        })}
      </div>
    </>
  );
}

function Log({ openJob }: { openJob: OpenJob }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const personName = usePersonName();
  const { job } = openJob;
  const { steps, hasFailed } = useReviewSteps(job.job_id, `${reviewStateOf(job)}-${job.review.at_ms ?? 0}`);
  return (
    <div className="review-log">
      <h3>{t('review.log')}</h3>
      {hasFailed && <p className="hint">{t('error.load')}</p>}
      {steps?.length === 0 && <p className="hint">{t('review.logEmpty')}</p>}
      <ul data-testid="review-log">
        {(steps ?? []).map((step) => (
          <li key={`${step.at_ms}-${step.to}`} className="review-log-step" data-testid="review-log-step">
            <span className="review-log-way">
              <ReviewBadge state={step.from} />
              <IconArrowRight size={14} aria-hidden />
              <ReviewBadge state={step.to} />
            </span>
            <span className="dim" title={formatDate(step.at_ms, i18n.language)}>
              {personName(step.by)} · {formatAgo(step.at_ms, now, i18n.language)}
            </span>
            {step.comment !== '' && <p className="review-log-comment break-words">{step.comment}</p>}
          </li>
        ))}
      </ul>
    </div>
  );
}

export function ReviewPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const openJob = useStore((state) => state.open);
  if (openJob === null) return null;
  return (
    <Section title={t('review.title')}>
      <Neighbours jobId={openJob.job.job_id} />
      <Path state={reviewStateOf(openJob.job)} />
      <Actions key={openJob.job.job_id} openJob={openJob} />
      <Log openJob={openJob} />
    </Section>
  );
}
