// Devices for people: what changed about them, their order, and their curves.
import type { Device, DeviceSample, DeviceStatus } from '../api/types';

export const DEVICE_STATUSES: readonly DeviceStatus[] = ['busy', 'idle', 'suspect', 'offline'];

/** How far back curves go. */
export const CURVE_MS = 600_000;

/** A longer silence is a gap in a curve. */
const GAP_MS = 15_000;

/** A device, and when this page heard of it by its own clock: how long the device is silent counts on from there. */
export interface ShownDevice extends Device {
  readonly shownMs: number;
}

export type DeviceNews =
  | { readonly kind: 'update'; readonly device: Device }
  | { readonly kind: 'removed'; readonly hostId: string; readonly seq: number };

/** What is known of devices; `removed` holds up to which change each removed one is gone. */
export interface KnownDevices {
  readonly devices: readonly ShownDevice[];
  readonly removed: Readonly<Record<string, number>>;
}

function withSample(device: Device, before: readonly DeviceSample[]): readonly DeviceSample[] {
  const last = before.at(-1);
  if (last !== undefined && last.at_ms >= device.last_ms) return before;
  const share = (used: number | null | undefined, total: number | null | undefined): number | null =>
    typeof used === 'number' && typeof total === 'number' && total > 0 ? (100 * used) / total : null;
  const sample = {
    at_ms: device.last_ms,
    cpu: device.cpu_util ?? null,
    memory: share(device.memory_used, device.memory_total),
    gpu: device.gpu_util ?? null,
    vram: share(device.vram_used, device.vram_total),
  };
  return [...before.filter(({ at_ms: atMs }) => atMs > device.last_ms - CURVE_MS), sample];
}

/** What is known after news; what is older than what is known already changes nothing. */
export function withNews(known: KnownDevices, news: readonly DeviceNews[], nowMs: number): KnownDevices {
  const devices = new Map(known.devices.map((device) => [device.host_id, device]));
  const removed = { ...known.removed };
  for (const it of news) {
    if (it.kind === 'removed') {
      removed[it.hostId] = Math.max(it.seq, removed[it.hostId] ?? 0);
      if ((devices.get(it.hostId)?.seq ?? 0) < it.seq) devices.delete(it.hostId);
      continue;
    }
    const { host_id: hostId, seq } = it.device;
    const before = devices.get(hostId);
    if (seq <= (before?.seq ?? 0) || seq <= (removed[hostId] ?? 0)) continue;
    const samples = it.device.samples ?? withSample(it.device, before?.samples ?? []);
    devices.set(hostId, { ...it.device, samples: [...samples], shownMs: nowMs });
  }
  return { devices: [...devices.values()], removed };
}

/** What a whole list says: it has the curves, and what it does not name is gone. */
export function withList(known: KnownDevices, list: readonly Device[], nowMs: number): KnownDevices {
  const before = new Map(known.devices.map((device) => [device.host_id, device]));
  const devices = list
    .filter(({ host_id: hostId, seq }) => seq > (known.removed[hostId] ?? 0))
    .map((device) => {
      const older = before.get(device.host_id);
      return older !== undefined && older.seq > device.seq ? { ...older, samples: device.samples ?? [] } : { ...device, shownMs: nowMs };
    });
  return { ...known, devices };
}

export type DeviceOrder = 'name' | 'status';

export function inOrder(devices: readonly ShownDevice[], order: DeviceOrder, language: string): readonly ShownDevice[] {
  const byName = new Intl.Collator(language, { numeric: true });
  const rank = ({ status }: Device): number => DEVICE_STATUSES.indexOf(status);
  return [...devices].sort((a, b) => (order === 'status' ? rank(a) - rank(b) : 0) || byName.compare(a.host_id, b.host_id));
}

/** How long a device has been silent, by the server's clock up to when it was heard of, and by this page's since. */
export function silentMs(device: ShownDevice, nowMs: number): number {
  return device.silent_ms + Math.max(0, nowMs - device.shownMs);
}

/** Lines of a curve in a box of `width` by `height`; percent upwards, the newest at the right, apart where the device was silent. */
export function curveOf(
  samples: readonly DeviceSample[],
  of: (sample: DeviceSample) => number | null | undefined,
  { width, height }: { readonly width: number; readonly height: number },
): readonly string[] {
  const newest = samples.at(-1)?.at_ms ?? 0;
  const lines: string[][] = [];
  let lastMs = -Infinity;
  for (const sample of samples) {
    const percent = of(sample);
    const age = newest - sample.at_ms;
    if (typeof percent !== 'number' || age > CURVE_MS) continue;
    if (sample.at_ms - lastMs > GAP_MS) lines.push([]);
    lastMs = sample.at_ms;
    const x = width * (1 - age / CURVE_MS);
    const y = height * (1 - Math.min(100, Math.max(0, percent)) / 100);
    lines.at(-1)?.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  return lines.map((line) => line.join(' '));
}
