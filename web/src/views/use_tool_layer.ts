// The canvas that shows what the tool in hand would do.
import { useEffect, useRef } from 'react';
import type { Tile } from '../core/tile';
import { onPreview } from '../state/live';
import type { OpenJob } from '../state/store';
import { ToolLayer } from '../viewer/tool_layer';

export function useToolLayer(open: OpenJob, tiles: readonly Tile[], canvas: React.RefObject<HTMLCanvasElement | null>): void {
  const layer = useRef<ToolLayer | null>(null);
  const { grid, volume } = open;
  useEffect(() => {
    if (canvas.current === null) return undefined;
    const made = new ToolLayer(canvas.current);
    layer.current = made;
    const stop = onPreview((preview) => {
      made.show(preview);
    });
    return () => {
      stop();
      made.stop();
      layer.current = null;
    };
  }, [canvas]);
  useEffect(() => {
    layer.current?.setScene({ grid, tiles, volume });
  }, [grid, tiles, volume]);
}
