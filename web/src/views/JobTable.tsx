// The cases as rows of one height, of which only those in view are drawn: a thousand scroll as ten do.
import { useLayoutEffect, useRef, useState } from 'react';
import { ActionIcon, Button, Group, Modal, Text, Tooltip } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { JobSummary } from '../api/types';
import { rowsInView, sortedBy, type Sort } from '../core/job_list';
import { removeJob } from '../state/jobs';
import { changeList } from '../state/list';
import { useStore } from '../state/store';
import { CaseRow } from './CaseRow';
import { useListKeys } from './list_keys';

const ROW_HEIGHT = 73;

/** Where the list was left, for when one comes back from a case. */
let left: { readonly scrollTop: number; readonly jobId: string | null } = { scrollTop: 0, jobId: null };

function DeleteDialog({ job, onClose }: { job: JobSummary | null; onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Modal opened={job !== null} onClose={onClose} title={t('jobs.deleteTitle')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Text size="sm" mb="lg" className="break-words">
        {t('jobs.deleteText', { name: job?.name ?? '' })}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          {t('common.cancel')}
        </Button>
        <Button
          color="red"
          data-testid="confirm-delete"
          onClick={() => {
            if (job !== null) void removeJob(job.job_id);
            onClose();
          }}
        >
          {t('common.delete')}
        </Button>
      </Group>
    </Modal>
  );
}

const HEADS = [
  ['name', 'list.sortName'],
  ['review', 'list.sortReview'],
  ['doubt', 'list.sortDoubt'],
  ['objects', 'list.sortObjects'],
  ['state', 'list.sortState'],
  ['age', 'list.sortAge'],
] as const satisfies readonly (readonly [Sort, string])[];

function Heads(): React.JSX.Element {
  const { t } = useTranslation();
  const list = useStore((state) => state.list);
  return (
    <div className="case-heads" role="group" aria-label={t('jobs.order')}>
      {HEADS.map(([sort, words]) => {
        const isActive = list.sort === sort;
        const Arrow = list.rising ? IconArrowUp : IconArrowDown;
        const name = t('list.sortBy', { name: t(words) });
        return (
          <button
            key={sort}
            type="button"
            className={`case-head case-head-${sort}`}
            aria-pressed={isActive}
            aria-label={isActive ? `${name}, ${t(list.rising ? 'list.rising' : 'list.falling')}` : name}
            data-testid={`sort-${sort}`}
            data-order={isActive ? (list.rising ? 'rising' : 'falling') : 'none'}
            onClick={() => {
              changeList(sortedBy(list, sort));
            }}
          >
            {t(words)}
            {isActive && <Arrow size={14} aria-hidden />}
          </button>
        );
      })}
    </div>
  );
}

interface Scrolled {
  readonly top: number;
  readonly height: number;
}

/** Where a box is scrolled to and how high it is. */
function useScrolled(box: React.RefObject<HTMLElement | null>): Scrolled {
  const [scrolled, setScrolled] = useState<Scrolled>({ top: left.scrollTop, height: 700 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    element.scrollTo({ top: left.scrollTop });
    const measure = (): void => {
      left = { ...left, scrollTop: element.scrollTop };
      setScrolled({ top: element.scrollTop, height: element.clientHeight });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, [box]);
  return scrolled;
}

function scrollToRow(box: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  if (top < box.scrollTop) box.scrollTo({ top });
  else if (top + ROW_HEIGHT > box.scrollTop + box.clientHeight) box.scrollTo({ top: top + ROW_HEIGHT - box.clientHeight });
}

/** The case that the keyboard is on; moving there scrolls to it and focuses it. */
function useActive(jobs: readonly JobSummary[], box: React.RefObject<HTMLElement | null>): string | null {
  const [active, setActive] = useState<string | null>(left.jobId);
  const wanted = useRef<string | null>(null);
  useListKeys((direction) => {
    const at = jobs.findIndex((job) => job.job_id === active);
    const index = at === -1 ? 0 : Math.min(Math.max(at + direction, 0), jobs.length - 1);
    const job = jobs[index];
    if (job === undefined || box.current === null) return;
    scrollToRow(box.current, index);
    wanted.current = job.job_id;
    left = { ...left, jobId: job.job_id };
    setActive(job.job_id);
  });
  useLayoutEffect(() => {
    const link = wanted.current === null ? null : box.current?.querySelector<HTMLElement>(`[data-job="${wanted.current}"] a`);
    if (!link) return;
    wanted.current = null;
    link.focus({ preventScroll: true });
  });
  return active;
}

export function JobTable({ jobs }: { jobs: readonly JobSummary[] }): React.JSX.Element {
  const { t } = useTranslation();
  const [toDelete, setToDelete] = useState<JobSummary | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const { top, height } = useScrolled(box);
  const active = useActive(jobs, box);
  const [first, last] = rowsInView(jobs.length, ROW_HEIGHT, top, height);
  return (
    <div className="case-table">
      <Heads />
      <div className="case-scroll" ref={box} data-testid="case-scroll" tabIndex={-1}>
        <ul
          className="job-list"
          data-testid="job-list"
          aria-label={t('list.cases')}
          aria-description={t('list.keys')}
          style={{ paddingTop: first * ROW_HEIGHT, paddingBottom: (jobs.length - last) * ROW_HEIGHT }}
        >
          {jobs.slice(first, last).map((job, at) => (
            <CaseRow
              key={job.job_id}
              job={job}
              isActive={job.job_id === active}
              place={first + at + 1}
              count={jobs.length}
              onOpen={() => {
                left = { ...left, jobId: job.job_id };
              }}
              action={
                <Tooltip label={t('common.delete')}>
                  <ActionIcon
                    size="lg"
                    aria-label={t('jobs.deleteJob', { name: job.name })}
                    data-testid="delete-job"
                    onClick={() => {
                      setToDelete(job);
                    }}
                  >
                    <IconTrash size={18} />
                  </ActionIcon>
                </Tooltip>
              }
            />
          ))}
        </ul>
      </div>
      <DeleteDialog
        job={toDelete}
        onClose={() => {
          setToDelete(null);
        }}
      />
    </div>
  );
}
