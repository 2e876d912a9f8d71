// The machines that compute, kept up to date.
import i18next from 'i18next';
import * as api from '../api/devices';
import { listen } from '../api/events';
import type { ApiError } from '../api/http';
import { withList, withNews, type DeviceNews, type DeviceOrder, type KnownDevices } from '../core/devices';
import { attempt, notifyDone, toApiError } from './notices';
import { refreshSession } from './session';
import { getState, setState } from './store';

/** News of many devices come at once: the page is drawn once for all of them. */
const GATHER_MS = 100;
const POLL_MS = 3000;

export interface DevicesState extends KnownDevices {
  readonly isLoaded: boolean;
  readonly error: ApiError | null;
  readonly order: DeviceOrder;
}

function patch(change: Partial<DevicesState>): void {
  setState(({ devices }) => ({ devices: { ...devices, ...change } }));
}

export async function refreshDevices(): Promise<void> {
  try {
    const list = await api.listDevices();
    patch({ ...withList(getState().devices, list, Date.now()), isLoaded: true, error: null });
  } catch (cause) {
    patch({ error: toApiError(cause) });
  }
}

export function orderDevices(order: DeviceOrder): void {
  patch({ order });
}

/** Keeps the devices up to date until the returned function is called. */
export function watchDevices(): () => void {
  let news: DeviceNews[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  const take = (it: DeviceNews): void => {
    news.push(it);
    timer ??= setTimeout(() => {
      patch(withNews(getState().devices, news, Date.now()));
      news = [];
      timer = null;
    }, GATHER_MS);
  };
  void refreshDevices();
  const stop = listen(
    null,
    {
      onEvent: (event) => {
        if (event.event === 'device_update') take({ kind: 'update', device: event.data });
        if (event.event === 'device_removed') take({ kind: 'removed', hostId: event.data.host_id, seq: event.data.seq });
      },
      onRefused: () => void refreshSession(),
      // Between the list and the stream something may have happened; the stream tells only what happens from now on.
      onConnection: (connected) => {
        setState({ connected });
        if (connected) void refreshDevices();
      },
    },
    ['device_update', 'device_removed'],
  );
  const poll = setInterval(() => {
    if (getState().connected === false) void refreshDevices();
  }, POLL_MS);
  return () => {
    stop();
    clearInterval(poll);
    if (timer !== null) clearTimeout(timer);
  };
}

export async function removeDevice(hostId: string): Promise<void> {
  const done = await attempt(() => api.deleteDevice(hostId));
  if (done) notifyDone(i18next.t('devices.removed', { name: hostId }));
  await refreshDevices();
}
