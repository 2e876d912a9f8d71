import { describe, expect, test } from 'vitest';
import type { Device, DeviceSample } from '../src/api/types';
import { curveOf, inOrder, silentMs, withList, withNews, type KnownDevices } from '../src/core/devices';

function device(hostId: string, seq: number, change: Partial<Device> = {}): Device {
  return {
    host_id: hostId,
    status: 'idle',
    removable: false,
    last_heartbeat: '2025-11-24T16:00:00Z',
    last_ms: seq,
    silent_ms: 0,
    seq,
    tasks: [],
    active_jobs: [],
    ...change,
  } as Device;
}

const NONE: KnownDevices = { devices: [], removed: {} };

function names({ devices }: KnownDevices): string[] {
  return devices.map(({ host_id: hostId }) => hostId);
}

describe('news of devices', () => {
  test('the newest state wins, whatever comes in which order', () => {
    const known = withNews(NONE, [{ kind: 'update', device: device('a', 5, { cpu_util: 1 }) }], 0);
    const older = withNews(known, [{ kind: 'update', device: device('a', 4, { cpu_util: 9 }) }], 1);
    expect(older.devices[0]?.cpu_util).toBe(1);
    const newer = withNews(known, [{ kind: 'update', device: device('a', 6, { cpu_util: 2 }) }], 1);
    expect(newer.devices[0]?.cpu_util).toBe(2);
  });

  test('a removed device goes, and stays away until it is heard again', () => {
    const known = withNews(NONE, [{ kind: 'update', device: device('a', 5) }], 0);
    const gone = withNews(known, [{ kind: 'removed', hostId: 'a', seq: 8 }], 0);
    expect(names(gone)).toEqual([]);
    expect(names(withNews(gone, [{ kind: 'update', device: device('a', 7) }], 0))).toEqual([]);
    expect(names(withList(gone, [device('a', 7), device('b', 3)], 0))).toEqual(['b']);
    expect(names(withNews(gone, [{ kind: 'update', device: device('a', 9) }], 0))).toEqual(['a']);
  });

  test('a removal that is older than what is known changes nothing', () => {
    const known = withNews(NONE, [{ kind: 'update', device: device('a', 9) }], 0);
    expect(names(withNews(known, [{ kind: 'removed', hostId: 'a', seq: 8 }], 0))).toEqual(['a']);
  });

  test('each heartbeat adds a point to the curve, a change of state does not', () => {
    const first = withNews(NONE, [{ kind: 'update', device: device('a', 1000, { cpu_util: 4, memory_used: 1, memory_total: 4 }) }], 0);
    const second = withNews(first, [{ kind: 'update', device: device('a', 4000, { cpu_util: 8 }) }], 0);
    const silent = withNews(second, [{ kind: 'update', device: device('a', 4001, { last_ms: 4000, status: 'suspect' }) }], 0);
    expect(silent.devices[0]?.samples?.map(({ at_ms: at, cpu, memory }) => [at, cpu, memory])).toEqual([
      [1000, 4, 25],
      [4000, 8, null],
    ]);
    const later = withNews(silent, [{ kind: 'update', device: device('a', 603_000) }], 0);
    expect(later.devices[0]?.samples?.map(({ at_ms: at }) => at)).toEqual([4000, 603_000]);
  });
});

test('devices are sorted as people count, or by what they do', () => {
  const { devices } = withList(NONE, [device('gpu-10', 1, { status: 'busy' }), device('gpu-2', 2, { status: 'offline' }), device('gpu-1', 3)], 0);
  const sorted = (order: 'name' | 'status'): string[] => inOrder(devices, order, 'en').map(({ host_id: hostId }) => hostId);
  expect(sorted('name')).toEqual(['gpu-1', 'gpu-2', 'gpu-10']);
  expect(sorted('status')).toEqual(['gpu-10', 'gpu-1', 'gpu-2']);
});

test('silence counts on from what the server said, whatever this clock shows', () => {
  const [shown] = withList(NONE, [device('a', 1, { silent_ms: 2000 })], 50_000).devices;
  if (shown === undefined) throw new Error('no device');
  expect(silentMs(shown, 53_000)).toBe(5000);
  expect(silentMs(shown, 40_000)).toBe(2000);
});

test('a curve ends at the right, is cut where nothing was heard, and leaves out what is too old', () => {
  const at = (atMs: number, cpu: number | null): DeviceSample => ({ at_ms: atMs, cpu, memory: null, gpu: null, vram: null });
  const samples = [at(0, 90), at(400_000, 0), at(403_000, 50), at(699_000, 100), at(700_000, 250)];
  expect(curveOf(samples, ({ cpu }) => cpu, { width: 600, height: 100 })).toEqual(['300.0,100.0 303.0,50.0', '599.0,0.0 600.0,0.0']);
  expect(curveOf([], ({ cpu }) => cpu, { width: 600, height: 100 })).toEqual([]);
});
