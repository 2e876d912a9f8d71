// One case: picture, name and volume, where its review stands and by whom, how doubtful it is, its state, its age.
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { thumbnailUrl } from '../api/records';
import type { JobSummary } from '../api/types';
import { formatAgo, formatBytes, formatDate, formatSpacing } from '../core/format';
import { caseDoubt, reviewStateOf } from '../core/job_list';
import { navigate, pathOf } from '../state/router';
import { ReviewBadge } from './ReviewBadge';
import { StateBadge } from './StateBadge';
import { useNow } from './use_now';

function Name({ job }: { job: JobSummary }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const { image } = job;
  const [i = 0, j = 0, k = 0] = image.shape;
  const size = `${t('jobs.voxels', { i, j, k })} · ${t('jobs.spacing', { spacing: formatSpacing(image.spacing_mm) })}`;
  return (
    <span className="case-name">
      <strong title={job.name}>{job.name}</strong>
      <span className="dim case-facts" title={`${image.axis_codes} · ${formatBytes(image.bytes, i18n.language)}`}>
        {t(`modality.${image.modality}`)} · {size}
      </span>
    </span>
  );
}

function Reviewed({ job, now }: { job: JobSummary; now: number }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const { by, at_ms: at, comment } = job.review;
  return (
    <span className="case-review" title={comment === '' ? undefined : comment}>
      <ReviewBadge state={reviewStateOf(job)} />
      {typeof at === 'number' && (
        <span className="dim case-by">
          {by === undefined || by === '' ? t('person.unnamed') : by} · {formatAgo(at, now, i18n.language)}
        </span>
      )}
    </span>
  );
}

export function DoubtBar({ job }: { job: Pick<JobSummary, 'rating'> }): React.JSX.Element {
  const { t } = useTranslation();
  const { rating } = job;
  const word = caseDoubt(job);
  if (word === null || !rating) return <span className="dim case-doubt">{t('list.noDoubt')}</span>;
  const percent = Math.round(100 * (rating.doubt ?? 0));
  const toLookAt = rating.doubtful_slices.length;
  const more = [...(toLookAt > 0 ? [t('list.toLookAt', { count: toLookAt })] : []), ...(rating.is_edited ? [t('list.editedSince')] : [])].join(' · ');
  return (
    <span className={`case-doubt doubt-${word}`} title={[t('jobs.doubtHint'), more].filter((it) => it !== '').join(' · ')} data-testid="case-doubt" data-doubt={word}>
      <span className="doubt-bar" aria-hidden>
        <span style={{ width: `${Math.max(percent, 3)}%` }} />
      </span>
      <span>
        <span className="number">{t('list.doubt', { percent })}</span>
        {more !== '' && <span className="dim case-doubt-more">{more}</span>}
      </span>
    </span>
  );
}

interface CaseRowProps {
  readonly job: JobSummary;
  readonly isActive: boolean;
  readonly place: number;
  readonly count: number;
  readonly onOpen: () => void;
  readonly action: ReactNode;
}

export function CaseRow({ job, isActive, place, count, onOpen, action }: CaseRowProps): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const doubt = caseDoubt(job);
  const words = [
    t('jobs.open', { name: job.name }),
    t(`reviewState.${reviewStateOf(job)}`),
    t(`state.${job.status}`),
    ...(doubt === null ? [] : [t(`slice.${doubt}`)]),
  ].join(', ');
  const open = (event: React.MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.button !== 0) return;
    event.preventDefault();
    onOpen();
    navigate({ page: 'job', jobId: job.job_id });
  };
  return (
    <li
      className={isActive ? 'job-row job-row-active' : 'job-row'}
      data-testid="job-row"
      data-job={job.job_id}
      aria-setsize={count}
      aria-posinset={place}
    >
      <a href={pathOf({ page: 'job', jobId: job.job_id })} onClick={open} className="job-link" title={words}>
        <span className="thumbnail">
          <img src={thumbnailUrl(job.job_id, job.head ?? '0')} alt="" loading="lazy" width={56} height={56} />
        </span>
        <Name job={job} />
        <Reviewed job={job} now={now} />
        <DoubtBar job={job} />
        <span className="number case-objects" title={t('list.objects', { count: job.n_objects ?? 0 })} data-testid="case-objects">
          {job.n_objects ?? '–'}
        </span>
        <span>
          <StateBadge state={job.status} />
        </span>
        <time className="dim job-time" dateTime={new Date(job.updated_ms).toISOString()} title={formatDate(job.updated_ms, i18n.language)}>
          {formatAgo(job.updated_ms, now, i18n.language)}
        </time>
      </a>
      {action}
    </li>
  );
}
