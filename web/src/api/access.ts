// Calls about people, what opens the server, and one's own account.
import { getJson, sendJson } from './http';
import type { Account, AccountChange, Credential, CredentialRequest, Invitation, MadeCredential } from './types';

export async function listPeople(): Promise<Account[]> {
  return (await getJson<{ people: Account[] }>('/api/v1/people')).people;
}

export function putPerson(personId: string, change: AccountChange): Promise<Account> {
  return sendJson('PUT', `/api/v1/people/${encodeURIComponent(personId)}`, change);
}

export function deletePerson(personId: string): Promise<void> {
  return sendJson('DELETE', `/api/v1/people/${encodeURIComponent(personId)}`);
}

/** What opens the server: all of it, or what is one's own. */
export type Whose = 'all' | 'own';

function path(whose: Whose): string {
  return whose === 'all' ? '/api/v1/credentials' : '/api/v1/account/credentials';
}

export async function listCredentials(whose: Whose): Promise<Credential[]> {
  return (await getJson<{ credentials: Credential[] }>(path(whose))).credentials;
}

export function postCredential(whose: Whose, request: CredentialRequest): Promise<MadeCredential> {
  return sendJson('POST', path(whose), request);
}

export function deleteCredential(whose: Whose, credentialId: string): Promise<void> {
  return sendJson('DELETE', `${path(whose)}/${encodeURIComponent(credentialId)}`);
}

export function putPassword(current: string, next: string): Promise<void> {
  return sendJson('PUT', '/api/v1/account/password', { current, new: next });
}

export function lookAtInvitation(invite: string): Promise<Invitation> {
  return sendJson('POST', '/api/v1/invitation', { invite });
}

export function acceptInvitation(invite: string, name: string, password: string): Promise<void> {
  return sendJson('POST', '/api/v1/invitation/accept', { invite, name, password });
}
