// Who did what, newest first: filtered by case, person and action, read on at the end, taken away as a table.
import { useCallback, useEffect, useRef, useState } from 'react';
import { Alert, Button, Select, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle, IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../api/http';
import { listAudit } from '../api/records';
import type { AuditAction, AuditEntry } from '../api/types';
import { auditRows, particulars, peopleOf, wordOf, type AuditFilter } from '../core/audit';
import { csv } from '../core/csv';
import { formatDate } from '../core/format';
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
  'from', 'to', 'comment', 'revision', 'engine', 'kind', 'label', 'labels', 'task', 'file', 'name', 'action', 'as', 'reader', 'added',
  'removed', 'changed', 'request', 'program',
] as const;

const ACTIONS = [
  'job_created', 'job_deleted', 'mask_edited', 'head_moved', 'labels_changed', 'modality_changed', 'review_changed', 'opinion_added', 'opinion_removed',
  'label_set_created', 'label_set_changed', 'label_set_deleted', 'task_queued', 'task_cancelled', 'task_retried', 'priority_changed', 'request_made', 'request_deleted', 'exported',
] as const satisfies readonly AuditAction[];

interface Read {
  readonly filter: AuditFilter;
  readonly entries: readonly AuditEntry[];
  readonly isWhole: boolean;
  readonly error: ApiError | null;
}

const EVERYTHING: AuditFilter = { jobId: null, person: null, action: null };
const NOTHING: Omit<Read, 'filter'> = { entries: [], isWhole: false, error: null };

interface Audit {
  readonly read: Read;
  /** Everybody met so far, whatever is filtered now. */
  readonly people: readonly string[];
  readonly isReading: boolean;
  readonly readOn: () => void;
}

/** The lines that were asked for as far as they were read, and a way to read on. */
function useAudit(filter: AuditFilter): Audit {
  const [found, setFound] = useState<Read>({ filter, ...NOTHING });
  const [people, setPeople] = useState<readonly string[]>([]);
  const [isReading, setReading] = useState(false);
  const read = found.filter === filter ? found : { filter, ...NOTHING };
  const last = read.entries.at(-1)?.audit_id ?? null;
  const readOn = useCallback(() => {
    setReading(true);
    listAudit({ ...filter, before: last, limit: PAGE }).then(
      (more) => {
        setPeople((known) => peopleOf(more, known));
        setFound((before) => ({
          filter,
          entries: before.filter === filter && last !== null ? [...before.entries, ...more] : more,
          isWhole: more.length < PAGE,
          error: null,
        }));
        setReading(false);
      },
      (cause: unknown) => {
        setFound((before) => ({ ...(before.filter === filter ? before : { filter, ...NOTHING }), error: toApiError(cause) }));
        setReading(false);
      },
    );
  }, [filter, last]);
  return { read, people, isReading, readOn };
}

/** Every line that was asked for. */
async function everything(filter: AuditFilter): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for (;;) {
    const more = await listAudit({ ...filter, before: all.at(-1)?.audit_id ?? null, limit: EXPORT_PAGE });
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
  const valueOf = (detail: string, value: string): string => {
    const word = wordOf(entry.action, detail, value);
    return word === null ? value : t(word);
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
            <span className="dim">{nameOf(it.name)}</span> {valueOf(it.name, it.value)}
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
  readonly people: readonly string[];
  readonly filter: AuditFilter;
  readonly onFilter: (filter: AuditFilter) => void;
}

function Filters({ people, filter, onFilter }: FiltersProps): React.JSX.Element {
  const { t } = useTranslation();
  const jobs = useStore((state) => state.jobs);
  const personName = usePersonName();
  return (
    <>
      <Select
        size="sm"
        searchable
        clearable={filter.jobId !== null}
        aria-label={t('audit.case')}
        placeholder={t('audit.anyCase')}
        data-testid="audit-case"
        value={filter.jobId}
        data={(jobs ?? []).map((job) => ({ value: job.job_id, label: job.name }))}
        onChange={(jobId) => {
          onFilter({ ...filter, jobId });
        }}
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

function Lines(): React.JSX.Element {
  const { t } = useTranslation();
  const [filter, setFilter] = useState<AuditFilter>(EVERYTHING);
  const [isExporting, setExporting] = useState(false);
  const { read, people, isReading, readOn } = useAudit(filter);
  const shown = read.entries;
  const takeAway = async (): Promise<void> => {
    setExporting(true);
    await attempt(async () => {
      saveText('voxloop-audit.csv', 'text/csv', `\ufeff${csv(auditRows(await everything(filter)))}`);
    }, t('audit.failed'));
    setExporting(false);
  };
  return (
    <>
      <div className="audit-filters">
        <Filters people={people} filter={filter} onFilter={setFilter} />
        <Text c="dimmed" size="sm" role="status" data-testid="audit-count">
          {t('audit.count', { count: shown.length })}
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
