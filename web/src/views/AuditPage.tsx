// Who did what, newest first: filtered by case, person and action, read on at the end, taken away as a table.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Alert, Button, Select, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle, IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../api/http';
import { listAudit } from '../api/records';
import type { AuditAction, AuditEntry } from '../api/types';
import { auditRows, filtered, particulars, peopleOf, type AuditFilter } from '../core/audit';
import { csv } from '../core/csv';
import { formatDate } from '../core/format';
import { REVIEW_STATES } from '../core/job_list';
import { refreshJobs } from '../state/jobs';
import { attempt, errorText, toApiError } from '../state/notices';
import { navigate, pathOf } from '../state/router';
import { useStore } from '../state/store';
import { PageHeader } from './PageHeader';
import { saveText } from './save_file';
import { usePersonName } from './use_records';

const PAGE = 100;
const EXPORT_PAGE = 500;

/** Particulars that have words of their own. */
const DETAILS = [
  'from', 'to', 'comment', 'revision', 'engine', 'kind', 'label', 'labels', 'task', 'file', 'name', 'action', 'as', 'reader',
] as const;

const ACTIONS = [
  'job_created', 'job_deleted', 'mask_edited', 'head_moved', 'labels_changed', 'review_changed', 'opinion_added', 'opinion_removed',
  'label_set_created', 'label_set_changed', 'label_set_deleted', 'task_queued', 'task_cancelled', 'task_retried', 'priority_changed', 'exported',
] as const satisfies readonly AuditAction[];

interface Read {
  readonly jobId: string | null;
  readonly entries: readonly AuditEntry[];
  readonly isWhole: boolean;
  readonly error: ApiError | null;
}

const NOTHING: Omit<Read, 'jobId'> = { entries: [], isWhole: false, error: null };

/** The list as far as it was read, and a way to read on. */
function useAudit(jobId: string | null): { readonly read: Read; readonly isReading: boolean; readonly readOn: () => void } {
  const [found, setFound] = useState<Read>({ jobId, ...NOTHING });
  const [isReading, setReading] = useState(false);
  const read = found.jobId === jobId ? found : { jobId, ...NOTHING };
  const last = read.entries.at(-1)?.audit_id ?? null;
  const readOn = useCallback(() => {
    setReading(true);
    listAudit({ jobId, before: last, limit: PAGE }).then(
      (more) => {
        setFound((before) => ({
          jobId,
          entries: before.jobId === jobId && last !== null ? [...before.entries, ...more] : more,
          isWhole: more.length < PAGE,
          error: null,
        }));
        setReading(false);
      },
      (cause: unknown) => {
        setFound((before) => ({ ...(before.jobId === jobId ? before : { jobId, ...NOTHING }), error: toApiError(cause) }));
        setReading(false);
      },
    );
  }, [jobId, last]);
  return { read, isReading, readOn };
}

/** Every line about a case, or about all. */
async function everything(jobId: string | null): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for (;;) {
    const more = await listAudit({ jobId, before: all.at(-1)?.audit_id ?? null, limit: EXPORT_PAGE });
    all.push(...more);
    if (more.length < EXPORT_PAGE) return all;
  }
}

function Entry({ entry }: { entry: AuditEntry }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const personName = usePersonName();
  const { job_id: jobId, job_name: jobName } = entry;
  const nameOf = (detail: string): string => {
    const known = DETAILS.find((it) => it === detail);
    return known === undefined ? detail : t(`auditDetail.${known}`);
  };
  const valueOf = (value: string): string => {
    const state = entry.action === 'review_changed' ? REVIEW_STATES.find((it) => it === value) : undefined;
    return state === undefined ? value : t(`reviewState.${state}`);
  };
  const isGone = entry.action === 'job_deleted';
  const name = jobName ?? '';
  const open = (event: React.MouseEvent): void => {
    if (!jobId || event.metaKey || event.ctrlKey || event.button !== 0) return;
    event.preventDefault();
    navigate({ page: 'job', jobId });
  };
  return (
    <tr data-testid="audit-entry" data-action={entry.action}>
      <td className="number">
        <time dateTime={new Date(entry.created_ms).toISOString()}>{formatDate(entry.created_ms, i18n.language)}</time>
      </td>
      <td>{personName(entry.by)}</td>
      <td>{t(`auditAction.${entry.action}`)}</td>
      <td>
        {jobId && !isGone ? (
          <a href={pathOf({ page: 'job', jobId })} onClick={open}>
            {name}
          </a>
        ) : (
          name
        )}
      </td>
      <td className="audit-details">
        {particulars(entry).map((it) => (
          <span key={it.name}>
            <span className="dim">{nameOf(it.name)}</span> {valueOf(it.value)}
          </span>
        ))}
      </td>
    </tr>
  );
}

function Table({ entries }: { entries: readonly AuditEntry[] }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <table className="audit-table" data-testid="audit">
      <thead>
        <tr>
          <th scope="col">{t('audit.when')}</th>
          <th scope="col">{t('audit.who')}</th>
          <th scope="col">{t('audit.what')}</th>
          <th scope="col">{t('audit.case')}</th>
          <th scope="col">{t('audit.details')}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Entry key={entry.audit_id} entry={entry} />
        ))}
      </tbody>
    </table>
  );
}

/** Reads on when the end of the list comes into view. */
function End({ onSeen, isReading }: { onSeen: () => void; isReading: boolean }): React.JSX.Element {
  const { t } = useTranslation();
  const mark = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (mark.current === null || isReading) return undefined;
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting === true) onSeen();
    });
    observer.observe(mark.current);
    return () => {
      observer.disconnect();
    };
  }, [onSeen, isReading]);
  return (
    <div ref={mark} className="audit-end">
      <Button variant="default" loading={isReading} onClick={onSeen} data-testid="audit-more">
        {t('audit.more')}
      </Button>
    </div>
  );
}

interface FiltersProps {
  readonly read: Read;
  readonly filter: AuditFilter;
  readonly onFilter: (filter: AuditFilter) => void;
  readonly onJob: (jobId: string | null) => void;
}

function Filters({ read, filter, onFilter, onJob }: FiltersProps): React.JSX.Element {
  const { t } = useTranslation();
  const jobs = useStore((state) => state.jobs);
  const personName = usePersonName();
  const people = useMemo(() => peopleOf(read.entries), [read.entries]);
  return (
    <>
      <Select
        size="sm"
        searchable
        clearable={read.jobId !== null}
        aria-label={t('audit.case')}
        placeholder={t('audit.anyCase')}
        data-testid="audit-case"
        value={read.jobId}
        data={(jobs ?? []).map((job) => ({ value: job.job_id, label: job.name }))}
        onChange={onJob}
      />
      <Select
        size="sm"
        clearable={filter.person !== null}
        aria-label={t('audit.who')}
        placeholder={t('audit.anyPerson')}
        data-testid="audit-person"
        value={filter.person}
        data={people.map((name) => ({ value: name, label: personName(name) }))}
        onChange={(person) => {
          onFilter({ ...filter, person });
        }}
      />
      <Select
        size="sm"
        clearable={filter.action !== null}
        aria-label={t('audit.what')}
        placeholder={t('audit.anyAction')}
        data-testid="audit-action"
        value={filter.action}
        data={ACTIONS.map((action) => ({ value: action, label: t(`auditAction.${action}`) }))}
        onChange={(value) => {
          onFilter({ ...filter, action: ACTIONS.find((it) => it === value) ?? null });
        }}
      />
    </>
  );
}

function isFiltered({ person, action }: AuditFilter): boolean {
  return person !== null || action !== null;
}

/** The server filters by case only: older lines are read until those that match fill a page, or the list ends. */
function useFullPage({ error, entries }: Read, isShort: boolean, readOn: () => void): void {
  const wantsMore = isShort && error === null && entries.length > 0;
  useEffect(() => {
    if (wantsMore) readOn();
  }, [wantsMore, readOn]);
}

function Lines(): React.JSX.Element {
  const { t } = useTranslation();
  const [jobId, setJobId] = useState<string | null>(null);
  const [filter, setFilter] = useState<AuditFilter>({ person: null, action: null });
  const [isExporting, setExporting] = useState(false);
  const { read, isReading, readOn } = useAudit(jobId);
  const shown = useMemo(() => filtered(read.entries, filter), [read.entries, filter]);
  const isSearch = isFiltered(filter) && !read.isWhole;
  useFullPage(read, isSearch && shown.length < PAGE && !isReading, readOn);
  const takeAway = async (): Promise<void> => {
    setExporting(true);
    await attempt(async () => {
      saveText('voxloop-audit.csv', 'text/csv', `\ufeff${csv(auditRows(filtered(await everything(jobId), filter)))}`);
    }, t('audit.failed'));
    setExporting(false);
  };
  return (
    <>
      <div className="audit-filters">
        <Filters read={read} filter={filter} onFilter={setFilter} onJob={setJobId} />
        <Text c="dimmed" size="sm" role="status" data-testid="audit-count">
          {isSearch ? t('audit.searched', { count: read.entries.length, shown: shown.length }) : t('audit.count', { count: shown.length })}
        </Text>
        <span className="grow" />
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={isExporting}
          data-testid="audit-export"
          onClick={() => void takeAway()}
        >
          {t('audit.export')}
        </Button>
      </div>
      {read.error !== null && (
        <Alert color="red" icon={<IconAlertTriangle />} title={t('audit.failed')} data-testid="audit-error">
          <Text size="sm" mb="sm">
            {errorText(read.error)}
          </Text>
          <Button size="xs" variant="light" color="red" onClick={readOn}>
            {t('common.retry')}
          </Button>
        </Alert>
      )}
      {read.entries.length === 0 && !read.isWhole && read.error === null ? <Skeleton height={320} /> : <Table entries={shown} />}
      {read.isWhole && <p className="dim audit-end">{t(shown.length === 0 ? 'audit.none' : 'audit.end')}</p>}
      {!read.isWhole && read.error === null && <End onSeen={readOn} isReading={isReading} />}
    </>
  );
}

export default function AuditPage(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => {
    void refreshJobs();
  }, []);
  return (
    <div className="jobs-page">
      <PageHeader title={t('audit.title')} hint={t('audit.hint')} />
      <main id="main" className="jobs-main audit-main">
        <Lines />
      </main>
    </div>
  );
}
