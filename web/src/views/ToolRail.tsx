// Left of the slices: what a click or a drag on them does.
import { Tooltip } from '@mantine/core';
import {
  IconBrush,
  IconCircleMinus,
  IconCirclePlus,
  IconCut,
  IconDroplet,
  IconEraser,
  IconPointer,
  IconScribble,
  IconScribbleOff,
  IconSquareDashed,
  IconWand,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { isReadOnly } from '../state/accepted';
import { useStore, type Tool } from '../state/store';
import { setTool } from '../state/view';

/** Groups, with a line between them: look, prompt, edit. */
const GROUPS: readonly (readonly (readonly [Tool, Icon])[])[] = [
  [['navigate', IconPointer]],
  [
    ['box', IconSquareDashed],
    ['positive', IconCirclePlus],
    ['negative', IconCircleMinus],
    ['scribble_in', IconScribble],
    ['scribble_out', IconScribbleOff],
  ],
  [
    ['brush', IconBrush],
    ['eraser', IconEraser],
    ['fill', IconDroplet],
    ['threshold', IconWand],
    ['scissors', IconCut],
  ],
];

export function ToolRail(): React.JSX.Element {
  const { t } = useTranslation();
  const tool = useStore((state) => state.open?.tool);
  const isClosed = useStore((state) => state.open !== null && isReadOnly(state.open));
  return (
    <div className="tool-rail" role="toolbar" aria-orientation="vertical" aria-label={t('tool.group')}>
      {GROUPS.map((tools) => (
        <div key={tools[0]?.[0]} className="tool-group">
          {tools.map(([name, ToolIcon]) => (
            <Tooltip key={name} label={t(`tool.${name}Hint`)} position="right">
              <button
                type="button"
                className={tool === name ? 'tool tool-active' : 'tool'}
                aria-pressed={tool === name}
                disabled={isClosed && name !== 'navigate'}
                aria-label={t(`tool.${name}`)}
                data-testid={`tool-${name}`}
                onClick={() => {
                  setTool(name);
                }}
              >
                <ToolIcon size={19} aria-hidden className={`tool-icon-${name}`} />
              </button>
            </Tooltip>
          ))}
        </div>
      ))}
    </div>
  );
}
