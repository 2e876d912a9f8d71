// Roles: what each may do, and what a credential is called on the page.
import type { Credential, CredentialKind, Role } from '../api/types';

/** Roles of people, each with what those before it may. */
export const ROLES = ['viewer', 'annotator', 'reviewer', 'admin'] as const satisfies readonly Role[];

export type PersonRole = (typeof ROLES)[number];

/** Whether somebody of a role may do what asks for another. */
export function includes(role: Role, needed: PersonRole): boolean {
  const place = ROLES.findIndex((it) => it === role);
  return place >= ROLES.indexOf(needed);
}

export function asRole(text: string | null): PersonRole {
  return ROLES.find((it) => it === text) ?? 'viewer';
}

export function ofKinds(credentials: readonly Credential[], kinds: readonly CredentialKind[]): Credential[] {
  return credentials.filter(({ kind }) => kinds.includes(kind));
}

/** The link that an invitation is opened by. */
export function joinLink(origin: string, secret: string): string {
  return `${origin}/join#${secret}`;
}

/** Without TLS an agent goes to another machine only where it is told so. */
function withAgreement(origin: string, command: string): string {
  const { protocol, hostname } = new URL(origin);
  const isInTheClear = protocol === 'http:' && !/^(localhost|127\..*|\[::1\])$/.test(hostname);
  return isInTheClear ? `${command} --insecure-http` : command;
}

/** The line that an agent is started with where the server lets everybody in. */
export function agentCommand(origin: string): string {
  return withAgreement(origin, `voxloop agent --server ${origin}`);
}

/** The line that an agent is started with for the first time. */
export function joinCommand(origin: string, secret: string): string {
  return withAgreement(origin, `voxloop agent --server ${origin} --token-file token --join ${secret}`);
}
