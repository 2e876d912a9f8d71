// How wide the next stroke is.
import { Slider } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { MAX_SCRIBBLE_RADIUS } from '../core/scribble';
import { setScribbleRadius } from '../state/prompts';
import { useStore } from '../state/store';

export function ScribbleOptions(): React.JSX.Element {
  const { t } = useTranslation();
  const radius = useStore((state) => state.open?.scribbleRadius ?? 0);
  const words = t('prompt.widthVoxels', { width: 2 * radius + 1 });
  return (
    <>
      <span>{t('prompt.width')}</span>
      <Slider
        className="scribble-width"
        size="sm"
        label={null}
        min={0}
        max={MAX_SCRIBBLE_RADIUS}
        step={0.5}
        value={radius}
        thumbLabel={t('prompt.width')}
        thumbProps={{ 'aria-valuetext': words }}
        data-testid="scribble-width"
        onChange={setScribbleRadius}
      />
      <span className="number scribble-width-number">{words}</span>
      <span className="dim">{t('prompt.scribbleClick')}</span>
    </>
  );
}
