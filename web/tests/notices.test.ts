// Failures of calls that nobody asked for: the banner says that the server is away, nothing else does.
import { beforeEach, expect, it, vi } from 'vitest';
import { ApiError, unreachable } from '../src/api/http';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
vi.stubGlobal('window', { innerWidth: 1280 });
const { notifyError, notifyUnasked, settled } = await import('../src/state/notices');
const { getState, setState } = await import('../src/state/store');

beforeEach(() => {
  setState({ notices: [], connected: true });
});

it('are not told beneath the banner, those of a person are', () => {
  setState({ connected: false });
  notifyUnasked(unreachable(), 'engines');
  expect(getState().notices).toEqual([]);
  notifyError(unreachable(), 'mine');
  expect(getState().notices.map(({ title }) => title)).toEqual(['mine']);
});

it('that were told before the page knew go when the banner comes', () => {
  notifyUnasked(unreachable(), 'engines');
  notifyError(unreachable(), 'mine');
  expect(getState().notices).toHaveLength(2);
  settled('lost');
  expect(getState().notices.map(({ title }) => title)).toEqual(['mine']);
});

it('of another kind are told', () => {
  setState({ connected: false });
  notifyUnasked(new ApiError(500, { code: 'internal', message: 'No.', field: null }), 'engines');
  expect(getState().notices).toHaveLength(1);
});
