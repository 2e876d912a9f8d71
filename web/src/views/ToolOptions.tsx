// One line above the slices: how the tool in hand works. Always there, so that slices do not move when the tool changes.
import { useTranslation } from 'react-i18next';
import { useStore, type Tool } from '../state/store';
import { EDIT_OPTIONS } from './EditOptions';
import { ScribbleOptions } from './ScribbleOptions';

/** Settings of the tools that have some; the others say what they do. */
const OPTIONS: Readonly<Partial<Record<Tool, () => React.JSX.Element | null>>> = {
  scribble_in: ScribbleOptions,
  scribble_out: ScribbleOptions,
  ...EDIT_OPTIONS,
};

export function ToolOptions(): React.JSX.Element | null {
  const { t } = useTranslation();
  const tool = useStore((state) => state.open?.tool);
  if (tool === undefined) return null;
  const Options = OPTIONS[tool];
  return (
    <div className="tool-options" role="group" aria-label={t('edit.options')} data-testid="tool-options">
      <strong className="tool-options-name">{t(`tool.${tool}`)}</strong>
      {Options === undefined ? <span className="dim">{t(`tool.${tool}Hint`)}</span> : <Options />}
    </div>
  );
}
