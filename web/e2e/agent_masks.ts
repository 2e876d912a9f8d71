// What an agent by hand delivers for the body: masks of 8 × 8 voxels on some slices.
import { call, deliver, type Lease } from './agent';
import { writeRuns } from './masks';
import { RAS_SHAPE } from './phantom';
import type { Server } from './server';

/** Voxels 40–47, 26–33 of some slices. */
export function slab(slices: readonly number[]): Buffer<ArrayBuffer> {
  const voxels = new Uint8Array(RAS_SHAPE[0] * RAS_SHAPE[1] * RAS_SHAPE[2]);
  for (const k of slices) {
    for (let j = 26; j < 34; j++) {
      const row = RAS_SHAPE[0] * (j + RAS_SHAPE[1] * k);
      voxels.fill(1, 40 + row, 48 + row);
    }
  }
  return writeRuns(RAS_SHAPE, voxels);
}

/** Completes a task with that mask, and says of each slice how sure it is where that is asked for. */
export async function finish(server: Server, lease: Lease, slices: readonly number[], uncertainty: Readonly<Record<number, number>> | null): Promise<void> {
  const output = {
    mask: await deliver(server, lease, slab(slices)),
    extent: { axis: 2, first: slices[0], last: slices[slices.length - 1] },
    engine: { name: 'graphcut', version: 'by hand' },
    engine_ms: 1.5,
    ...(uncertainty === null ? {} : { slices: slices.map((k) => ({ slice_index: k, area_voxels: 64, uncertainty: uncertainty[k] ?? 0.01 })), doubt: 0.2 }),
  };
  await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/complete`, { fence: lease.fence, output });
}
