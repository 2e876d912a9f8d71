// Tasks for people: times, what is left, the order of the queue, and where a plot's bars and lines lie.
import { describe, expect, it } from 'vitest';
import type { RateBucket, Task } from '../src/api/types';
import { barsOf, linesOf, niceSteps, type Frame } from '../src/core/plot';
import { doneShare, formatTook, inOrder, leftMs, matches, neighbourOf, ranMs, waitedMs, withNews } from '../src/core/tasks';

function task(change: Partial<Task> & { task_id: string }): Task {
  return {
    job_id: 'job',
    job_name: 'Chest CT',
    kind: 'propagate',
    engine: 'graphcut',
    label: 1,
    state: 'queued',
    priority: 0,
    progress: { done: 0, total: 0, stage: '' },
    attempt: 0,
    cancel_requested: false,
    created_ms: 1000,
    ...change,
  };
}

describe('times', () => {
  it('a waiting task waits until now, a granted one waited until its grant', () => {
    expect(waitedMs(task({ task_id: 'a' }), 4000)).toBe(3000);
    expect(waitedMs(task({ task_id: 'a', state: 'leased', started_ms: 1500 }), 4000)).toBe(500);
    expect(waitedMs(task({ task_id: 'a', state: 'cancelled', finished_ms: 1200 }), 4000)).toBe(200);
  });

  it('a task ran from its grant to its end, or runs until now', () => {
    expect(ranMs(task({ task_id: 'a', started_ms: 1500 }), 4000)).toBeNull();
    expect(ranMs(task({ task_id: 'a', state: 'leased', started_ms: 1500 }), 4000)).toBe(2500);
    expect(ranMs(task({ task_id: 'a', state: 'failed', started_ms: 1500, finished_ms: 1700 }), 4000)).toBe(200);
    expect(ranMs(task({ task_id: 'a', state: 'cancelled', finished_ms: 1700 }), 4000)).toBeNull();
  });

  it('what is left goes on as fast as what was done', () => {
    const quarter = task({ task_id: 'a', state: 'leased', started_ms: 1000, progress: { done: 250, total: 1000, stage: 'solving' } });
    expect(doneShare(quarter)).toBe(0.25);
    expect(leftMs(quarter, 11_000)).toBe(30_000);
    expect(leftMs({ ...quarter, progress: { done: 10, total: 1000, stage: '' } }, 11_000)).toBeNull();
    expect(leftMs({ ...quarter, state: 'succeeded' }, 11_000)).toBeNull();
  });

  it.each([
    [812, '812 ms'],
    [4240, '4.2 sec'],
    [9960, '10 sec'],
    [59_700, '1 min 0 sec'],
    [192_000, '3 min 12 sec'],
    [7_500_000, '2 hr 5 min'],
    [180_000_000, '2 days 2 hr'],
  ])('%d ms is written as %s', (ms, text) => {
    expect(formatTook(ms, 'en')).toBe(text);
  });
});

describe('the queue', () => {
  const [a, b, c] = [task({ task_id: 'a' }), task({ task_id: 'b' }), task({ task_id: 'c' })] as const;
  const waiting = [b, c, a];

  it('is in the order that the server says, what it does not know yet behind', () => {
    const listed = [a, task({ task_id: 'e' }), c, b, task({ task_id: 'd', state: 'leased' }), task({ task_id: 'f' })];
    expect(inOrder(listed, waiting).map((it) => it.task_id)).toEqual(['b', 'c', 'a', 'f', 'e']);
  });

  it.each([
    ['b', 'earlier', null],
    ['c', 'earlier', 'b'],
    ['c', 'later', 'a'],
    ['a', 'later', null],
    ['d', 'earlier', null],
  ] as const)('%s goes %s by changing places with %s', (id, direction, neighbour) => {
    expect(neighbourOf(waiting, id, direction)).toBe(neighbour);
  });

  it('news change a task in its place; a new task comes in by age', () => {
    const list = [task({ task_id: '3' }), task({ task_id: '1' })];
    const changed = withNews(list, task({ task_id: '1', state: 'failed' }));
    expect(changed.map((it) => [it.task_id, it.state])).toEqual([
      ['3', 'queued'],
      ['1', 'failed'],
    ]);
    expect(withNews(list, task({ task_id: '2' })).map((it) => it.task_id)).toEqual(['3', '2', '1']);
  });

  it('a search finds every part anywhere', () => {
    const failed = task({ task_id: 'x', agent: 'lab-7', failure: { class: 'permanent', code: 'no_contrast', message: 'One intensity' } });
    expect(matches(failed, 'Propagating Failed', 'chest LAB-7')).toBe(true);
    expect(matches(failed, 'Propagating Failed', 'failed intensity')).toBe(true);
    expect(matches(failed, 'Propagating Failed', 'chest medsam2')).toBe(false);
    expect(matches(failed, '', '')).toBe(true);
  });
});

describe('the plot', () => {
  const frame: Frame = { width: 120, height: 60, left: 10, right: 10, top: 5, bottom: 5 };
  const bucket = (succeeded: number, failed: number): RateBucket => ({ at_ms: 0, succeeded, failed, cancelled: 0 });

  it.each([
    [1, 1, [0, 1]],
    [4, 1, [0, 1, 2, 3, 4]],
    [7, 1, [0, 2, 4, 6, 8]],
    [23, 1, [0, 10, 20, 30]],
    [812, 4, [0, 500, 1000]],
  ])('steps up to %d', (most, smallest, steps) => {
    expect(niceSteps(most, smallest)).toEqual(steps);
  });

  it('bars stand on the ground, failures on top of successes', () => {
    const [first, second] = barsOf([bucket(3, 1), bucket(0, 0)], 5, frame);
    expect(first?.parts).toEqual([
      { kind: 'succeeded', y: 25, height: 30 },
      { kind: 'failed', y: 15, height: 10 },
    ]);
    expect(second?.parts).toEqual([]);
    expect(first?.x).toBeCloseTo(14.5);
    expect(first?.width).toBeCloseTo(41);
  });

  it('a line is cut where nothing was measured', () => {
    expect(linesOf([100, 50, null, 0], 100, frame)).toEqual([
      [
        [22.5, 5],
        [47.5, 30],
      ],
      [[97.5, 55]],
    ]);
  });
});
