// Who may use the page: a server that others can reach asks who comes, by name and password or with its token.
import i18next from 'i18next';
import * as access from '../api/access';
import * as api from '../api/client';
import { ApiError, whenUnauthenticated } from '../api/http';
import type { Session } from '../api/types';
import { attempt } from './notices';
import { readPerson } from './person';
import { getState, setState } from './store';

/** What was read by who sat here before is not shown to whoever sits here now. */
function close(): void {
  const ways = getState().session?.ways ?? [];
  setState({ session: { token_required: true, signed_in: false, ways }, jobs: null, open: null, notices: [] });
  readPerson();
}

whenUnauthenticated(() => {
  const known = getState().session;
  close();
  // The ways in may be others than before: somebody may have been the first to be let in.
  if (known === null || known.signed_in || known.ways.length === 0) void refreshSession();
});

/** What is done is recorded under the name that was signed in with; without one, under what people say. */
async function readSession(): Promise<void> {
  const session = await api.getSession();
  const { name } = session;
  setState(typeof name === 'string' ? { session, person: name } : { session });
}

/** Asks who the server takes this browser for. */
export async function refreshSession(): Promise<void> {
  try {
    await readSession();
  } catch (cause) {
    // Every other call says that the server is away.
    if (!(cause instanceof ApiError)) throw cause;
  }
}

async function entered(call: () => Promise<void>): Promise<ApiError | null> {
  try {
    await call();
    await readSession();
    return null;
  } catch (cause) {
    if (cause instanceof ApiError) return cause;
    throw cause;
  }
}

/** Shows the token; the error where the server does not take it. */
export function signIn(token: string): Promise<ApiError | null> {
  return entered(() => api.signIn({ token }));
}

/** Shows name and password; the error where the server does not take them. */
export function signInAs(name: string, password: string): Promise<ApiError | null> {
  return entered(() => api.signIn({ name, password }));
}

/** Takes an invitation up; the error where the server refuses. */
export function accept(invite: string, name: string, password: string): Promise<ApiError | null> {
  return entered(() => access.acceptInvitation(invite, name, password));
}

/** Gives the cookie back; says so where that did not happen. */
export async function signOut(): Promise<void> {
  await attempt(async () => {
    await api.signOut();
    close();
  }, i18next.t('session.stillSignedIn'));
}

/** The name that was signed in with; null where people say themselves who they are. */
export function signedName({ session }: { readonly session: Session | null }): string | null {
  return session?.name ?? null;
}
