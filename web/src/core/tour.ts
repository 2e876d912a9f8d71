// The tour on the sample: one gesture after the other, each done when the person has really made it.

export const TOUR_STEPS = ['box', 'mask', 'propagate', 'doubtful', 'accept'] as const;

export type TourStep = (typeof TOUR_STEPS)[number];

/** What has happened in the case so far. */
export interface Deeds {
  readonly hasPrompt: boolean;
  readonly hasMask: boolean;
  /** A propagation has reached other slices. */
  readonly isPropagated: boolean;
  /** A doubtful slice was looked at, or there is none. */
  readonly hasLooked: boolean;
  /** The mask was accepted or downloaded. */
  readonly isHandedOver: boolean;
}

/** The first step that is still to be done; null once all are. A later deed stands for those before it. */
export function nextStep(deeds: Deeds): TourStep | null {
  const done: readonly boolean[] = [deeds.hasPrompt, deeds.hasMask, deeds.isPropagated, deeds.isPropagated && deeds.hasLooked, deeds.isHandedOver];
  return TOUR_STEPS[done.lastIndexOf(true) + 1] ?? null;
}

/** Of the later of two steps; null is the end. */
export function laterStep(a: TourStep | null, b: TourStep | null): TourStep | null {
  if (a === null || b === null) return null;
  return TOUR_STEPS[Math.max(TOUR_STEPS.indexOf(a), TOUR_STEPS.indexOf(b))] ?? null;
}

export interface Place {
  readonly left: number;
  readonly top: number;
}

export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const GAP = 14;
const MARGIN = 8;

/** Where a card of this size lies beside what it points at, as high as that: right of it, else left, else below, above a bar; always within the page. */
export function besideTarget(target: Area, card: { readonly width: number; readonly height: number }, page: { readonly width: number; readonly height: number }): Place {
  const within = (value: number, most: number): number => Math.max(MARGIN, Math.min(value, most - MARGIN));
  // What lies low, away from the sides, has its like to the right and left: the card goes above.
  const isInBar = target.top > page.height * 0.6 && target.left + target.width < page.width - card.width && target.left > 100;
  if (isInBar && target.top - GAP - card.height >= MARGIN) {
    return { left: within(target.left + target.width / 2 - card.width / 2, page.width - card.width), top: target.top - GAP - card.height };
  }
  const right = target.left + target.width + GAP;
  const left = target.left - GAP - card.width;
  const top = within(target.top, page.height - card.height);
  if (right + card.width <= page.width - MARGIN) return { left: right, top };
  if (left >= MARGIN) return { left, top };
  const below = target.top + target.height + GAP;
  const isRoomBelow = below + card.height <= page.height - MARGIN;
  return {
    left: within(target.left + target.width / 2 - card.width / 2, page.width - card.width),
    top: isRoomBelow ? below : within(target.top - GAP - card.height, page.height - card.height),
  };
}
