// What lies over a pane besides its picture: the button that makes it larger, and its slice's slider at the lower edge.
import { ActionIcon, Slider } from '@mantine/core';
import { IconArrowsDiagonal, IconArrowsDiagonalMinimize2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { storedAxisOfPlane, type Plane } from '../core/axes';
import { sliceOfPlane } from '../core/grid';
import { isShared, type PaneKind } from '../core/layout';
import { useStore } from '../state/store';
import { enlarge, setSlice } from '../state/view';

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

function PaneSlider({ plane }: { plane: Plane }): React.JSX.Element | null {
  const { t } = useTranslation();
  const grid = useStore((state) => state.open?.grid);
  const cursor = useStore((state) => state.open?.cursor);
  if (grid === undefined || cursor === undefined) return null;
  const n = grid.shape[storedAxisOfPlane(grid.axes, plane)];
  const { sliceIndex } = sliceOfPlane(grid, plane, cursor);
  return (
    <Slider
      className="pane-slider"
      size={4}
      thumbSize={14}
      label={null}
      min={0}
      max={Math.max(n - 1, 1)}
      value={sliceIndex}
      thumbLabel={t('slice.slider', { plane: t(`plane.${plane}`) })}
      thumbProps={{ 'aria-valuetext': t('slice.position', { index: sliceIndex, last: n - 1 }) }}
      data-testid={`pane-slider-${plane}`}
      onChange={(index) => {
        setSlice(plane, index);
      }}
    />
  );
}

export function PaneChrome({ kind }: { kind: PaneKind }): React.JSX.Element {
  const isOneOfSeveral = useStore((state) => isShared(state.settings.layout));
  return (
    <>
      <Enlarge kind={kind} />
      {isOneOfSeveral && kind !== 'surface' && <PaneSlider plane={kind} />}
    </>
  );
}
