// All prompts of the active object, slice by slice.
import { CloseButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SlicePrompt } from '../api/types';
import { axisIndex, planeOfStoredAxis } from '../core/axes';
import { boxOf } from '../core/prompts';
import { labelsOnSlice } from '../core/edit/census';
import { activeSlice, setLayout, setSlice } from '../state/view';
import { removePrompt } from '../state/prompts';
import { getState, type OpenJob } from '../state/store';

function useKinds(): (prompt: SlicePrompt) => string {
  const { t } = useTranslation();
  return (prompt) => {
    if (prompt.absent === true) return t('prompt.kindAbsent');
    const nPoints = prompt.points?.length ?? 0;
    return [
      boxOf(prompt) === null ? null : t('prompt.kindBox'),
      nPoints === 0 ? null : t('prompt.kindPoints', { count: nPoints }),
      (prompt.scribbles?.length ?? 0) === 0 ? null : t('prompt.kindScribbles'),
      prompt.mask === true ? t('prompt.kindMask') : null,
    ]
      .filter((kind) => kind !== null)
      .join(' · ');
  };
}

function PromptRow({ open, prompt }: { open: OpenJob; prompt: SlicePrompt }): React.JSX.Element {
  const { t } = useTranslation();
  const kinds = useKinds();
  const axis = axisIndex(prompt.axis);
  const index = prompt.slice_index;
  const label = prompt.label ?? 1;
  const plane = planeOfStoredAxis(open.grid.axes, axis);
  const words = { plane: t(`plane.${plane}`), index };
  const shown = activeSlice(open);
  const isShown = shown.axis === axis && shown.sliceIndex === index;
  const hasMask = open.mask !== null && labelsOnSlice(open.mask, axis, index).has(label);
  return (
    <li className={isShown ? 'prompt-row prompt-row-shown' : 'prompt-row'} data-testid="prompt-row">
      <button
        type="button"
        className="prompt-go"
        title={t('prompt.go', words)}
        onClick={() => {
          if (getState().settings.layout !== 'grid') setLayout(plane);
          setSlice(plane, index);
        }}
      >
        <span>{t('prompt.where', words)}</span>
        <span className="dim">{kinds(prompt)}</span>
        {!hasMask && prompt.absent !== true && <span className="prompt-pending">{t('prompt.noMaskYet')}</span>}
      </button>
      <CloseButton
        size="xs"
        aria-label={t('prompt.remove', words)}
        onClick={() => {
          removePrompt({ axis, sliceIndex: index, label });
        }}
      />
    </li>
  );
}

export function PromptList({ open }: { open: OpenJob }): React.JSX.Element | null {
  const { t } = useTranslation();
  const prompts = open.job.prompts.filter((prompt) => (prompt.label ?? 1) === open.label);
  if (prompts.length === 0) return null;
  return (
    <div className="prompt-list" data-testid="prompt-list">
      <h3>{t('prompt.list')}</h3>
      <ul>
        {prompts.map((prompt) => (
          <PromptRow key={`${prompt.axis}-${prompt.slice_index}`} open={open} prompt={prompt} />
        ))}
      </ul>
    </div>
  );
}
