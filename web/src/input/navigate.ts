// Drags that change how the image is looked at: crosshair, window, shift; and magnification.
import { AXES, PLANE_AXES } from '../core/axes';
import { rasFromCanvas, WHOLE_IMAGE, type Camera, type CanvasPoint, type Tile } from '../core/tile';
import { draggedWindow } from '../core/window';
import { getState, type OpenJob } from '../state/store';
import { setCamera, setCursor, setWindow } from '../state/view';
import { nothing, type Drag } from './drag';

const MAX_ZOOM = 20;

export function cursorDrag(tile: Tile): Drag {
  const move = (point: CanvasPoint): void => {
    const open = getState().open;
    if (open !== null) setCursor(rasFromCanvas(tile, point, open.cursor), tile.plane);
  };
  return { move, end: nothing };
}

export function windowDrag(open: OpenJob, start: CanvasPoint): Drag {
  const { window } = open;
  return {
    move: (point) => {
      setWindow(draggedWindow(window, point[0] - start[0], point[1] - start[1], open.job.image.intensity_range));
    },
    end: nothing,
  };
}

export function panDrag(open: OpenJob, tile: Tile, start: CanvasPoint): Drag {
  const { across, up } = PLANE_AXES[tile.plane];
  const { camera, grid } = open;
  return {
    move: (point) => {
      const panMm: [number, number, number] = [...camera.panMm];
      panMm[across] += ((point[0] - start[0]) / tile.across.pixelsPerVoxel) * grid.rasSpacingMm[across];
      panMm[up] += ((point[1] - start[1]) / tile.up.pixelsPerVoxel) * grid.rasSpacingMm[up];
      setCamera({ ...camera, panMm });
    },
    end: nothing,
  };
}

/** A camera that magnifies `factor` times more, within limits. */
export function magnified(camera: Camera, factor: number): Camera {
  return { ...camera, zoom: Math.min(Math.max(camera.zoom * factor, 1), MAX_ZOOM) };
}

/** Magnifies about a place, which stays where it is; on the other planes the crosshair's height or side stays. */
export function zoomAt(open: OpenJob, tile: Tile, point: CanvasPoint, factor: number): void {
  const { zoom } = magnified(open.camera, factor);
  if (zoom === 1) {
    setCamera(WHOLE_IMAGE);
    return;
  }
  const under = rasFromCanvas(tile, point, open.cursor);
  const panMm: [number, number, number] = [...open.camera.panMm];
  for (const axis of AXES) {
    // Millimetres from the image's middle to the place; pan and place together must keep its pixels.
    const fromMiddle = (under[axis] - (open.grid.rasShape[axis] - 1) / 2) * open.grid.rasSpacingMm[axis];
    panMm[axis] = ((fromMiddle + panMm[axis]) * open.camera.zoom) / zoom - fromMiddle;
  }
  setCamera({ zoom, panMm });
}
