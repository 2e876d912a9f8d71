// Calls about the machines that compute.
import { getJson, sendJson } from './http';
import type { Device } from './types';

/** Every device, with how it was in the last minutes. */
export function listDevices(): Promise<Device[]> {
  return getJson('/api/devices?samples=true');
}

export function deleteDevice(hostId: string): Promise<void> {
  return sendJson('DELETE', `/api/devices/${encodeURIComponent(hostId)}`);
}
