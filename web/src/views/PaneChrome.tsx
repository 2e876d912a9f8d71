// What lies over a pane besides its picture: the button that makes it larger, and its slice's slider at the lower edge.
import { ActionIcon } from '@mantine/core';
import { IconArrowsDiagonal, IconArrowsDiagonalMinimize2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { isShared, type PaneKind } from '../core/layout';
import type { Presence } from '../core/presence';
import { useStore, type OpenJob } from '../state/store';
import { enlarge } from '../state/view';
import { SliceTrack } from './SliceTrack';

function Enlarge({ kind }: { kind: PaneKind }): React.JSX.Element {
  const { t } = useTranslation();
  const isAlone = useStore((state) => state.settings.layout === kind);
  const words = isAlone ? t('pane.back') : t('pane.enlarge', { pane: t(`plane.${kind}`) });
  return (
    <ActionIcon
      className="pane-enlarge"
      size={32}
      aria-label={words}
      title={words}
      data-testid={`enlarge-${kind}`}
      onClick={() => {
        enlarge(kind);
      }}
    >
      {isAlone ? <IconArrowsDiagonalMinimize2 size={16} /> : <IconArrowsDiagonal size={16} />}
    </ActionIcon>
  );
}

export function PaneChrome({ kind, open, presence }: { kind: PaneKind; open: OpenJob; presence: Presence }): React.JSX.Element {
  const isOneOfSeveral = useStore((state) => isShared(state.settings.layout));
  return (
    <>
      <Enlarge kind={kind} />
      {isOneOfSeveral && kind !== 'surface' && (
        <div className="pane-slider" data-testid={`pane-slider-${kind}`}>
          <SliceTrack open={open} plane={kind} presence={presence} className="slice-track-slim" />
        </div>
      )}
    </>
  );
}
