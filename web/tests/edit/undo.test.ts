// Lines of revisions drawn by hand: what one undo and one redo take together.
import { describe, expect, it } from 'vitest';
import type { SlicePrompt } from '../../src/api/types';
import { redoTarget, undoTarget, type UndoStep } from '../../src/core/edit/undo';

function solved(id: string, parent: string | null, marks: Partial<SlicePrompt>, engine: 'graphcut' | 'medsam2' = 'graphcut'): UndoStep {
  const prompt = { axis: 2, slice_index: 20, label: 1, ...marks };
  return { revision_id: id, parent, action: 'segment_slice', author: { by: 'engine', task_id: id, engine: { name: engine, version: '1' } }, prompts: [prompt] };
}

function painted(id: string, parent: string | null): UndoStep {
  return { revision_id: id, parent, action: 'paint', author: { by: 'person', name: '' }, prompts: [] };
}

const inside = { x: 5, y: 5, positive: true };

describe('one undo', () => {
  it('takes a box back with all its adjustments', () => {
    const line = [painted('p', null), solved('a', 'p', { box: [1, 1, 9, 9] }), solved('b', 'a', { box: [2, 1, 9, 9] }), solved('c', 'b', { box: [2, 2, 9, 9] })];
    expect(undoTarget(line, 'c')).toBe('p');
    expect(undoTarget(line, 'b')).toBe('p');
    expect(undoTarget(line, 'p')).toBeNull();
    expect(redoTarget(line, 'a')).toBe('c');
    expect(redoTarget(line, 'p')).toBe('p');
  });

  it('takes back one mark at a time', () => {
    const line = [
      solved('a', null, { box: [1, 1, 9, 9] }),
      solved('b', 'a', { box: [1, 1, 9, 9], points: [inside] }),
      solved('c', 'b', { box: [1, 1, 9, 9], points: [inside, inside] }),
    ];
    expect(undoTarget(line, 'c')).toBe('b');
    expect(undoTarget(line, 'b')).toBe('a');
    expect(redoTarget(line, 'a')).toBe('a');
  });

  it('ends at another slice, object, engine or step', () => {
    const box = { box: [1, 1, 9, 9] };
    expect(undoTarget([solved('a', null, box), solved('b', 'a', { ...box, slice_index: 21 })], 'b')).toBe('a');
    expect(undoTarget([solved('a', null, box), solved('b', 'a', { ...box, axis: 1 })], 'b')).toBe('a');
    expect(undoTarget([solved('a', null, box), solved('b', 'a', { ...box, label: 2 })], 'b')).toBe('a');
    expect(undoTarget([solved('a', null, box), solved('b', 'a', box, 'medsam2')], 'b')).toBe('a');
    const apart = [solved('a', null, box), painted('p', 'a'), solved('b', 'p', box), solved('c', 'b', box)];
    expect(undoTarget(apart, 'c')).toBe('p');
    expect(undoTarget(apart, 'p')).toBe('a');
    expect(undoTarget([painted('p', null), painted('q', 'p')], 'q')).toBe('p');
  });

  it('does not choose a branch', () => {
    const box = { box: [1, 1, 9, 9] };
    expect(redoTarget([solved('a', null, box), solved('b', 'a', box), solved('c', 'a', box)], 'a')).toBe('a');
    expect(redoTarget([], 'a')).toBe('a');
    expect(undoTarget([], 'a')).toBeUndefined();
  });
});
