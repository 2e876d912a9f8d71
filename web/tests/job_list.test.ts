// The case list: order, filters, search, counts, the next case; expected values by hand.
import { describe, expect, it } from 'vitest';
import type { JobSummary, ReviewState } from '../src/api/types';
import {
  countsByReview,
  FIRST_VIEW,
  neighboursOf,
  nextToReview,
  rowsInView,
  shownJobs,
  sortedBy,
  viewFrom,
  type ListView,
} from '../src/core/job_list';

interface Given {
  readonly name: string;
  readonly review?: ReviewState;
  readonly by?: string;
  readonly comment?: string;
  readonly doubt?: number;
  /** Slices worth a look. */
  readonly looks?: readonly number[];
  readonly status?: JobSummary['status'];
  readonly modality?: JobSummary['image']['modality'];
  readonly at?: number;
  readonly objects?: number;
}

function job(given: Given): JobSummary {
  const { name, review = 'draft', by = '', comment = '', doubt, looks = [], status = 'ready', modality = 'CT', at = 0, objects } = given;
  return {
    job_id: name,
    name,
    status,
    rating: doubt === undefined ? null : { doubt, axis: 2, doubtful_slices: looks, is_edited: false },
    n_objects: objects ?? null,
    review: { state: review, by, comment },
    created_ms: at,
    updated_ms: at,
    image: { modality },
  } as unknown as JobSummary;
}

const JOBS = [
  job({ name: 'liver 2', review: 'in_review', by: 'Kim', doubt: 0.4, at: 1, status: 'completed', objects: 3 }),
  job({ name: 'liver 10', review: 'accepted', by: 'Ahn', comment: 'good margins', doubt: 0.05, at: 2, status: 'segmented', objects: 1 }),
  job({ name: 'Brain', review: 'rejected', comment: 'Dome missing', modality: 'MR', doubt: 0.2, at: 3, status: 'failed' }),
  job({ name: 'Ärztin', modality: 'unknown', at: 4, objects: 0 }),
  job({ name: '간 종괴', review: 'in_review', by: '이영희', doubt: 0.1, at: 5, status: 'propagating' }),
];

function view(change: Partial<ListView>): ListView {
  return { ...FIRST_VIEW, ...change };
}

function names(change: Partial<ListView>): string[] {
  return shownJobs(JOBS, view(change)).map((it) => it.name);
}

describe('order', () => {
  it('begins with the newest', () => {
    expect(names({})).toEqual(['간 종괴', 'Ärztin', 'Brain', 'liver 10', 'liver 2']);
  });

  it('sorts names as people do: numbers by size, accents beside their letters', () => {
    expect(names({ sort: 'name', rising: true })).toEqual(['Ärztin', 'Brain', 'liver 2', 'liver 10', '간 종괴']);
  });

  it('puts what nobody rated last, whichever way doubt is sorted', () => {
    expect(names({ sort: 'doubt', rising: false })).toEqual(['liver 2', 'Brain', '간 종괴', 'liver 10', 'Ärztin']);
    expect(names({ sort: 'doubt', rising: true })).toEqual(['liver 10', '간 종괴', 'Brain', 'liver 2', 'Ärztin']);
  });

  it('puts what nobody counted last, whichever way objects are sorted', () => {
    expect(names({ sort: 'objects', rising: false })).toEqual(['liver 2', 'liver 10', 'Ärztin', '간 종괴', 'Brain']);
    expect(names({ sort: 'objects', rising: true })).toEqual(['Ärztin', 'liver 10', 'liver 2', '간 종괴', 'Brain']);
  });

  it('sorts reviews by who waits: in review, rejected, draft, accepted; the newer first among equals', () => {
    expect(names({ sort: 'review', rising: true })).toEqual(['간 종괴', 'liver 2', 'Brain', 'Ärztin', 'liver 10']);
  });

  it('sorts states by what goes on: running, failed, ready, segmented, completed', () => {
    expect(names({ sort: 'state', rising: true })).toEqual(['간 종괴', 'Brain', 'Ärztin', 'liver 10', 'liver 2']);
  });

  it('turns round at a second click, and starts each column the way it is wanted', () => {
    const byDoubt = sortedBy(FIRST_VIEW, 'doubt');
    expect([byDoubt.sort, byDoubt.rising]).toEqual(['doubt', false]);
    expect(sortedBy(byDoubt, 'doubt').rising).toBe(true);
    expect(sortedBy(byDoubt, 'name').rising).toBe(true);
  });
});

describe('filters', () => {
  it('by review state, modality, doubt', () => {
    expect(names({ review: 'in_review' })).toEqual(['간 종괴', 'liver 2']);
    expect(names({ modality: 'MR' })).toEqual(['Brain']);
    expect(names({ doubtful: true })).toEqual(['Brain', 'liver 2']);
    const sure = { name: 'sure as a whole', doubt: 0.07 };
    const found = shownJobs([job(sure), job({ ...sure, name: 'with doubtful slices', looks: [4, 5] })], view({ doubtful: true }));
    expect(found.map((it) => it.name)).toEqual(['with doubtful slices']);
  });

  it('searches name, comment and reviewer, every word, whatever the case', () => {
    expect(names({ search: 'LIVER' })).toEqual(['liver 10', 'liver 2']);
    expect(names({ search: 'dome' })).toEqual(['Brain']);
    expect(names({ search: '이영' })).toEqual(['간 종괴']);
    expect(names({ search: 'liver  good' })).toEqual(['liver 10']);
    expect(names({ search: 'liver dome' })).toEqual([]);
  });

  it('counts per state what the rest of the view shows', () => {
    expect(countsByReview(JOBS, view({ review: 'accepted' }))).toEqual({ all: 5, draft: 1, in_review: 2, accepted: 1, rejected: 1 });
    expect(countsByReview(JOBS, view({ search: 'liver' }))).toEqual({ all: 2, draft: 0, in_review: 1, accepted: 1, rejected: 0 });
  });
});

describe('one after the other', () => {
  it('the next to review is the first in the list’s order, then the one after, round again at the end', () => {
    const byDoubt = view({ sort: 'doubt' });
    expect(nextToReview(JOBS, byDoubt)?.name).toBe('liver 2');
    expect(nextToReview(JOBS, byDoubt, 'liver 2')?.name).toBe('간 종괴');
    expect(nextToReview(JOBS, byDoubt, '간 종괴')?.name).toBe('liver 2');
    expect(nextToReview(JOBS, view({ modality: 'MR' }))).toBeNull();
  });

  it('neighbours follow order and filter', () => {
    const { previous, next, place, count } = neighboursOf(JOBS, view({ sort: 'name', rising: true }), 'Brain');
    expect([previous?.name, next?.name, place, count]).toEqual(['Ärztin', 'liver 2', 2, 5]);
  });

  it('a case that its own change took out of the view still has neighbours', () => {
    const { previous, next, place, count } = neighboursOf(JOBS, view({ review: 'in_review' }), 'Brain');
    expect([previous?.name, next?.name, place, count]).toEqual(['간 종괴', 'liver 2', 0, 2]);
  });
});

it('a stored view is taken over field by field', () => {
  expect(viewFrom(null)).toEqual(FIRST_VIEW);
  expect(viewFrom({ sort: 'doubt', rising: true, review: 'nonsense', doubtful: 1 })).toEqual(view({ sort: 'doubt', rising: true }));
});

it('only rows in view are drawn, with some to spare', () => {
  expect(rowsInView(1000, 50, 0, 500, 2)).toEqual([0, 12]);
  expect(rowsInView(1000, 50, 25_000, 500, 2)).toEqual([498, 512]);
  expect(rowsInView(3, 50, 0, 500, 2)).toEqual([0, 3]);
  expect(rowsInView(1000, 50, 49_500, 500, 2)).toEqual([988, 1000]);
});
