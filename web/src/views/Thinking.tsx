// Says on the slices that the engine is at work, once it has taken longer than a blink (the delay is in the style).
import { Loader } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';

export function Thinking(): React.JSX.Element | null {
  const { t } = useTranslation();
  const isThinking = useStore(({ open }) => open !== null && open.thinking && open.job.task?.kind !== 'propagate');
  if (!isThinking) return null;
  return (
    <p className="thinking" role="status" data-testid="thinking">
      <Loader size={12} aria-hidden /> {t('prompt.segmenting')}
    </p>
  );
}
