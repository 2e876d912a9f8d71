// The frames of a 4D image, one shown at a time.
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { indexAt, shareOf } from '../core/slider';
import { useStore } from '../state/store';
import { setFrame } from '../state/view';
import { Handle, shareUnder } from './Handle';

export function FrameSlider(): React.JSX.Element | null {
  const { t } = useTranslation();
  const n = useStore((state) => state.open?.job.image.n_frames ?? 1);
  const frame = useStore((state) => state.open?.frame ?? 0);
  if (n <= 1) return null;
  const words = t('slice.position', { index: frame, last: n - 1 });
  return (
    <div className="frame-slider" data-testid="frame-slider">
      <div className="plane-slider-words">
        <Text size="xs" fw={600} className="nowrap">
          {t('slice.frame')}
        </Text>
        <Text size="xs" className="slice-number" data-testid="frame">
          {words}
        </Text>
      </div>
      <div
        className="slice-track"
        onPointerDown={(event) => {
          setFrame(indexAt(shareUnder(event, event.currentTarget), n));
        }}
      >
        <div className="slice-rail">
          {Array.from({ length: Math.min(n, 200) }, (_, index) => (
            <span key={index} className="frame-tick" style={{ left: `${100 * shareOf(index, Math.min(n, 200))}%` }} />
          ))}
        </div>
        <Handle className="slice-handle" name={t('slice.frame')} words={words} index={frame} n={n} onChange={setFrame} />
      </div>
    </div>
  );
}
