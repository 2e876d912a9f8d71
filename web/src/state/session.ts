// Who may use the page: a server that others can reach asks for its token once.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError, whenUnauthenticated } from '../api/http';
import { attempt } from './notices';
import { setState } from './store';

whenUnauthenticated(() => {
  // What was read with the last token is not shown to whoever sits here now.
  setState({ session: { token_required: true, signed_in: false }, jobs: null, open: null, notices: [] });
});

/** Asks whether this server wants a token. */
export async function refreshSession(): Promise<void> {
  try {
    setState({ session: await api.getSession() });
  } catch (cause) {
    // Every other call says that the server is away.
    if (!(cause instanceof ApiError)) throw cause;
  }
}

/** Shows the token; the error where the server does not take it. */
export async function signIn(token: string): Promise<ApiError | null> {
  try {
    await api.signIn(token);
    setState({ session: { token_required: true, signed_in: true } });
    return null;
  } catch (cause) {
    if (cause instanceof ApiError) return cause;
    throw cause;
  }
}

/** Gives the cookie back; says so where that did not happen. */
export async function signOut(): Promise<void> {
  await attempt(async () => {
    await api.signOut();
    setState({ session: { token_required: true, signed_in: false }, jobs: null, open: null, notices: [] });
  }, i18next.t('session.stillSignedIn'));
}
