// Trees of revisions drawn by hand.
import { expect, it } from 'vitest';
import { differenceOf, standings, type Step } from '../../src/core/edit/history';

function step(id: string, parent: string | null, created: number, first: number | null, last = first): Step {
  const changed = first === null || last === null ? null : [[first, 0, 0], [last, 0, 0]];
  return { revision_id: id, parent, created_ms: created, action: 'paint', changed };
}

// a – b – c
//      \
//       d – e
const TREE = [step('a', null, 1, 0), step('b', 'a', 2, 3), step('c', 'b', 3, 9), step('d', 'b', 4, 5), step('e', 'd', 5, 6, 7)];

it('two states differ in what was changed between them and where they part', () => {
  expect(differenceOf(TREE, 'c', 'c')).toBeNull();
  expect(differenceOf(TREE, 'b', 'c')).toEqual([[9, 0, 0], [9, 0, 0]]);
  expect(differenceOf(TREE, 'c', 'e')).toEqual([[5, 0, 0], [9, 0, 0]]);
  expect(differenceOf(TREE, 'a', null)).toEqual([[0, 0, 0], [0, 0, 0]]);
  expect(differenceOf(TREE, null, 'e')).toEqual([[0, 0, 0], [7, 0, 0]]);
});

it('what cannot be told is the whole mask', () => {
  expect(differenceOf(TREE, 'a', 'unknown')).toBe('all');
  const old: Step = { revision_id: 'o', parent: 'a', created_ms: 6 };
  expect(differenceOf([...TREE, old], 'a', 'o')).toBe('all');
  // A confirmation changes nothing.
  expect(differenceOf([...TREE, step('n', 'c', 6, null)], 'c', 'n')).toBeNull();
});

it('a step is the head, before it, undone, or on a line that was left', () => {
  const found = standings(TREE, 'b', 'd');
  expect([...found]).toEqual([['a', 'past'], ['b', 'head'], ['c', 'branch'], ['d', 'ahead'], ['e', 'ahead']]);
  expect(standings(TREE, null, 'a').get('a')).toBe('ahead');
  expect(standings(TREE, 'e', null).get('c')).toBe('branch');
});
