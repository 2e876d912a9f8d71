// What is doubtful about a prompt, before any engine sees it.
import type { SlicePrompt } from '../api/types';
import { boxContains, isSmall } from './box';
import { boxOf } from './prompts';
import { distanceToScribble } from './scribble';

export type PromptHint = 'small' | 'outside' | 'contradiction' | 'negativeOnly';

function saysBoth(prompt: SlicePrompt): boolean {
  const points = prompt.points ?? [];
  const voxel = ({ x, y }: { x: number; y: number }): string => `${Math.round(x)},${Math.round(y)}`;
  const inside = new Set(points.filter((point) => point.positive).map(voxel));
  if (points.some((point) => !point.positive && inside.has(voxel(point)))) return true;
  return points.some((point) =>
    (prompt.scribbles ?? []).some(
      (stroke) => stroke.positive !== point.positive && distanceToScribble(stroke, [point.x, point.y]) <= Math.max(stroke.radius ?? 0, 0.5),
    ),
  );
}

/** All hints for a prompt, the gravest first. */
export function hintsOf(prompt: SlicePrompt): PromptHint[] {
  const box = boxOf(prompt);
  const marks = [...(prompt.points ?? []), ...(prompt.scribbles ?? [])];
  const insidePlaces = [
    ...(prompt.points ?? []).filter((point) => point.positive).map(({ x, y }) => [x, y] as const),
    ...(prompt.scribbles ?? []).filter((stroke) => stroke.positive).flatMap(({ path }) => path.map(([x = 0, y = 0]) => [x, y] as const)),
  ];
  const hints: PromptHint[] = [];
  if (saysBoth(prompt)) hints.push('contradiction');
  if (box !== null && insidePlaces.some((place) => !boxContains(box, place))) hints.push('outside');
  if (box !== null && isSmall(box)) hints.push('small');
  if (box === null && marks.length > 0 && marks.every((mark) => !mark.positive)) hints.push('negativeOnly');
  return hints;
}
