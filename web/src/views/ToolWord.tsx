// Beneath the line of the tool, over the slices' edge: why the last stroke changed nothing. Nothing moves for it.
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';

export function ToolWord(): React.JSX.Element {
  const { t } = useTranslation();
  const hindered = useStore((state) => state.hindered);
  return (
    <div className="tool-word-place" role="status">
      {hindered !== null && (
        <span className="tool-word" data-testid="tool-word">
          {t(`hindered.${hindered}`)}
        </span>
      )}
    </div>
  );
}
