// What is marked on the shown slice, part by part; each can be taken away by click, or by Delete.
import { Alert, CloseButton } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { SlicePrompt } from '../api/types';
import type { PromptKey } from '../core/prompts';
import { hintsOf } from '../core/prompt_hints';
import { unconfirm } from '../state/confirm';
import { removePoint, removeScribble } from '../state/prompts';

interface PartProps {
  readonly kind: 'positive' | 'negative' | 'mask';
  readonly sign: string;
  readonly words: string;
  /** What the part says: inside, outside. */
  readonly side: string;
  readonly remove: string;
  readonly onRemove: () => void;
}

function Part({ kind, sign, words, side, remove, onRemove }: PartProps): React.JSX.Element {
  return (
    <li className={`point point-${kind}`}>
      <span aria-hidden className="point-sign">
        {sign}
      </span>
      <span>
        {words} <span className="dim">{side}</span>
      </span>
      <CloseButton
        size="xs"
        aria-label={remove}
        onClick={onRemove}
        onKeyDown={(event) => {
          if (event.key !== 'Delete' && event.key !== 'Backspace') return;
          // The page's own Delete would take the whole prompt.
          event.stopPropagation();
          event.preventDefault();
          onRemove();
        }}
      />
    </li>
  );
}

/** Points, strokes and the mask of a slice's prompt. */
export function PromptParts({ prompt, target }: { prompt: SlicePrompt; target: PromptKey }): React.JSX.Element | null {
  const { t } = useTranslation();
  const points = prompt.points ?? [];
  const scribbles = prompt.scribbles ?? [];
  const isMask = prompt.mask === true;
  if (points.length + scribbles.length === 0 && !isMask) return null;
  const side = (positive: boolean): string => t(positive ? 'prompt.pointInside' : 'prompt.pointOutside');
  return (
    <ul className="points" data-testid="points">
      {isMask && (
        <Part
          kind="mask"
          sign="✓"
          words={t('confirm.part')}
          side=""
          remove={t('confirm.undo')}
          onRemove={() => {
            unconfirm(target);
          }}
        />
      )}
      {points.map(({ x, y, positive }, index) => (
        <Part
          // A point has no identity but its place in the list.
          key={`${index}-${x}-${y}`}
          kind={positive ? 'positive' : 'negative'}
          sign={positive ? '+' : '−'}
          words={t('prompt.point', { x, y })}
          side={side(positive)}
          remove={t('prompt.removePoint', { x, y })}
          onRemove={() => {
            removePoint(target, index);
          }}
        />
      ))}
      {scribbles.map(({ positive, path }, index) => (
        <Part
          key={`${index}-${path.length}`}
          kind={positive ? 'positive' : 'negative'}
          sign="~"
          words={t('prompt.stroke', { number: index + 1 })}
          side={side(positive)}
          remove={t('prompt.removeStroke', { number: index + 1 })}
          onRemove={() => {
            removeScribble(target, index);
          }}
        />
      ))}
    </ul>
  );
}

/** What is doubtful about the prompt, the gravest first; one at a time is enough to act on. */
export function PromptHints({ prompt }: { prompt: SlicePrompt }): React.JSX.Element | null {
  const { t } = useTranslation();
  const [hint] = hintsOf(prompt);
  if (hint === undefined) return null;
  return (
    <Alert color="yellow" icon={<IconAlertTriangle size={18} />} className="tight" data-testid={`hint-${hint}`}>
      {t(`prompt.${hint}`)}
    </Alert>
  );
}
