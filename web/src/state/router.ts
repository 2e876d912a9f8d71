// Addresses of the page: `/` is the list, `/jobs/{id}` a job, `/diagnosis` what is wrong with the server.
import { useSyncExternalStore } from 'react';

export type Route = { readonly page: 'jobs' } | { readonly page: 'diagnosis' } | { readonly page: 'job'; readonly jobId: string };

function routeOf(path: string): Route {
  if (/^\/diagnosis\/?$/.test(path)) return { page: 'diagnosis' };
  const match = /^\/jobs\/([^/]+)\/?$/.exec(path);
  return match?.[1] === undefined ? { page: 'jobs' } : { page: 'job', jobId: decodeURIComponent(match[1]) };
}

export function pathOf(route: Route): string {
  if (route.page === 'diagnosis') return '/diagnosis';
  return route.page === 'jobs' ? '/' : `/jobs/${encodeURIComponent(route.jobId)}`;
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

export function useRoute(): Route {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
