// What is wrong with the server, as it last said.
import * as api from '../api/client';
import { toApiError } from './notices';
import { getState, setState } from './store';

/** Asks the server to look at itself; `everything` also reads each stored file. */
export async function examine(everything: boolean): Promise<void> {
  if (getState().diagnosis.looking) return;
  setState(({ diagnosis }) => ({ diagnosis: { ...diagnosis, looking: true } }));
  try {
    const found = await api.getDiagnosis(everything);
    setState({ diagnosis: { found, error: null, looking: false } });
  } catch (cause) {
    setState(({ diagnosis }) => ({ diagnosis: { ...diagnosis, error: toApiError(cause), looking: false } }));
  }
}
