// The tour goes on with what was done, and its card lies on the page beside what it points at.
import { describe, expect, it } from 'vitest';
import { besideTarget, laterStep, nextStep, type Deeds } from '../src/core/tour';

const NOTHING: Deeds = { hasPrompt: false, hasMask: false, isPropagated: false, hasLooked: false, isHandedOver: false };

describe('steps', () => {
  it.each([
    [{}, 'box'],
    [{ hasPrompt: true }, 'mask'],
    [{ hasPrompt: true, hasMask: true }, 'propagate'],
    [{ hasMask: true }, 'propagate'],
    [{ hasPrompt: true, hasMask: true, hasLooked: true }, 'propagate'],
    [{ hasPrompt: true, hasMask: true, isPropagated: true }, 'doubtful'],
    [{ hasPrompt: true, hasMask: true, isPropagated: true, hasLooked: true }, 'accept'],
    [{ isHandedOver: true }, null],
  ] as const)('after %j comes %s', (deeds, step) => {
    expect(nextStep({ ...NOTHING, ...deeds })).toBe(step);
  });

  it('what was reached is not lost', () => {
    expect(laterStep('accept', 'doubtful')).toBe('accept');
    expect(laterStep('box', 'mask')).toBe('mask');
    expect(laterStep(null, 'box')).toBeNull();
  });
});

describe('the card', () => {
  const card = { width: 300, height: 160 };
  const page = { width: 1280, height: 720 };

  it.each([
    ['right of a tool at the left edge', { left: 4, top: 300, width: 36, height: 36 }, { left: 54, top: 300 }],
    ['left of a button in the panel', { left: 1000, top: 300, width: 200, height: 36 }, { left: 686, top: 300 }],
    ['within the page beside a target at the top', { left: 4, top: 0, width: 36, height: 36 }, { left: 54, top: 8 }],
    ['below a target as wide as the page', { left: 0, top: 100, width: 1280, height: 40 }, { left: 490, top: 154 }],
    ['above a button of the bar under the slices', { left: 470, top: 550, width: 120, height: 40 }, { left: 380, top: 376 }],
    ['above one at the bottom', { left: 0, top: 680, width: 1280, height: 40 }, { left: 490, top: 506 }],
  ])('lies %s', (_where, target, place) => {
    expect(besideTarget(target, card, page)).toEqual(place);
  });
});
