// What who sits here may do. While it is not known yet, nothing is held back: the server decides anyway.
import i18next from 'i18next';
import { includes, type PersonRole } from '../core/access';
import { notifyText } from './notices';
import { getState, type State } from './store';

export function mayBe({ session }: Pick<State, 'session'>, needed: PersonRole): boolean {
  const role = session?.role;
  return role === undefined || role === null || includes(role, needed);
}

export function may(needed: PersonRole): boolean {
  return mayBe(getState(), needed);
}

/** Says that looking is all that may be done here; false where more may. */
export function refuseViewer(): boolean {
  if (may('annotator')) return false;
  notifyText(i18next.t('error.action'), i18next.t('access.viewOnlyText'));
  return true;
}
