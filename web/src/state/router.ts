// Addresses of the page: `/` is the list, an unknown one says so, `/jobs/{id}` a job, `/join` takes an invitation up, the others are what they say.
import { useSyncExternalStore } from 'react';

/** Pages that an address alone names. */
export const PLAIN_PAGES = ['tasks', 'requests', 'devices', 'audit', 'diagnosis', 'settings', 'people', 'account', 'join'] as const;

export type PlainPage = (typeof PLAIN_PAGES)[number];

export type Route = { readonly page: 'jobs' } | { readonly page: 'unknown' } | { readonly page: PlainPage } | { readonly page: 'job'; readonly jobId: string };

function routeOf(path: string): Route {
  const plain = PLAIN_PAGES.find((page) => path === `/${page}` || path === `/${page}/`);
  if (plain !== undefined) return { page: plain };
  const match = /^\/jobs\/([^/]+)\/?$/.exec(path);
  return match?.[1] === undefined ? { page: path === '/' ? 'jobs' : 'unknown' } : { page: 'job', jobId: decodeURIComponent(match[1]) };
}

export function pathOf(route: Route): string {
  if (route.page === 'jobs' || route.page === 'unknown') return '/';
  return route.page === 'job' ? `/jobs/${encodeURIComponent(route.jobId)}` : `/${route.page}`;
}

let current = routeOf(window.location.pathname);
const listeners = new Set<() => void>();

function announce(): void {
  current = routeOf(window.location.pathname);
  for (const listener of listeners) listener();
}

window.addEventListener('popstate', announce);

export function navigate(route: Route): void {
  window.history.pushState(null, '', pathOf(route));
  announce();
}

/** Goes on without a way back: what the address held is used up. */
export function replaceWith(route: Route): void {
  window.history.replaceState(null, '', pathOf(route));
  announce();
}

export function useRoute(): Route {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
