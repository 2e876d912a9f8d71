// Edits that the server does not have yet, kept in this browser's database: they outlive the page and a crash of the
// browser. Each belongs to the page that made it. Nothing here throws: where the browser keeps nothing, that is answered.
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { EditAction } from '../api/client';
import type { ConfirmedSlice, SlicePrompt } from '../api/types';
import type { Change } from '../core/edit/change';

/** What an edit is: voxels that were set and slices that were vouched for, or a prompt that was changed. */
export type EditKind =
  | { readonly kind: 'voxels'; readonly action: EditAction; readonly confirmed: readonly ConfirmedSlice[] }
  | { readonly kind: 'prompt'; readonly before: SlicePrompt; readonly prompt: SlicePrompt };

export interface KeptEdit {
  readonly id: string;
  readonly jobId: string;
  /** The page that sends it. */
  readonly tab: string;
  /** Its place among the edits of its job, from all pages: later ones are higher. */
  readonly place: number;
  /** Who made it, as they said. */
  readonly by: string;
  /** The server's revision beneath it and the edits before it, when it was made. */
  readonly head: string | null;
  readonly change: Change;
  readonly what: EditKind;
}

/** That an edit was on its way: the answer may have been lost. */
interface Sent {
  readonly id: string;
  /** The revision that it was sent on top of. */
  readonly parent: string | null;
}

export interface FoundEdit extends KeptEdit {
  readonly sent: Sent | null;
}

interface Schema extends DBSchema {
  edits: { key: string; value: KeptEdit; indexes: { job: string } };
  sent: { key: string; value: Sent };
}

const NAME = 'voxloop';
/** A database that does not open within this is none: edits must not wait for it. */
const PATIENCE_MS = 3000;

let opening: Promise<IDBPDatabase<Schema> | null> | null = null;

function forget(): void {
  opening = null;
}

async function openNow(): Promise<IDBPDatabase<Schema> | null> {
  const late = new Promise<null>((resolve) => {
    setTimeout(resolve, PATIENCE_MS, null);
  });
  try {
    const database = openDB<Schema>(NAME, 1, {
      upgrade: (fresh) => {
        fresh.createObjectStore('edits', { keyPath: 'id' }).createIndex('job', 'jobId');
        fresh.createObjectStore('sent', { keyPath: 'id' });
      },
      blocking: (_now, _then, event) => {
        (event.target as IDBDatabase).close();
        forget();
      },
      terminated: forget,
    });
    return await Promise.race([database, late]);
  } catch {
    return null;
  }
}

/** Runs a call on the database; `otherwise` where there is none, or it refuses. */
async function attemptOn<T>(call: (database: IDBPDatabase<Schema>) => Promise<T>, otherwise: T): Promise<T> {
  opening ??= openNow();
  const database = await opening;
  if (database === null) return otherwise;
  try {
    return await call(database);
  } catch {
    return otherwise;
  }
}

/** Keeps edits, or what they have become; false where one of them is not kept. */
export function keep(edits: readonly KeptEdit[]): Promise<boolean> {
  return attemptOn(async (database) => {
    const transaction = database.transaction('edits', 'readwrite');
    await Promise.all([...edits.map((edit) => transaction.store.put(edit)), transaction.done]);
    return true;
  }, false);
}

/** Lets go of edits that the server has, or that nobody wants any more. */
export function drop(ids: readonly string[]): Promise<boolean> {
  return attemptOn(async (database) => {
    const transaction = database.transaction(['edits', 'sent'], 'readwrite');
    const stores = [transaction.objectStore('edits'), transaction.objectStore('sent')];
    await Promise.all([...stores.flatMap((store) => ids.map((id) => store.delete(id))), transaction.done]);
    return true;
  }, false);
}

/** Notes that a kept edit goes to the server now; false where another page has taken it over. */
export function markSent(id: string, tab: string, parent: string | null): Promise<boolean> {
  return attemptOn(async (database) => {
    const transaction = database.transaction(['edits', 'sent'], 'readwrite');
    const isOwn = (await transaction.objectStore('edits').get(id))?.tab === tab;
    if (isOwn) await transaction.objectStore('sent').put({ id, parent });
    await transaction.done;
    return isOwn;
  }, true);
}

/** The pages whose edits of a job are kept. */
export function tabsWith(jobId: string): Promise<readonly string[]> {
  return attemptOn(async (database) => {
    const edits = await database.getAllFromIndex('edits', 'job', jobId);
    return [...new Set(edits.map(({ tab }) => tab))];
  }, []);
}

/** Takes a job's edits over from pages that are gone, in the order in which they were made. */
export function takeFrom(jobId: string, gone: readonly string[], tab: string): Promise<readonly FoundEdit[]> {
  return attemptOn(async (database) => {
    const transaction = database.transaction(['edits', 'sent'], 'readwrite');
    const store = transaction.objectStore('edits');
    const edits = (await store.index('job').getAll(jobId)).filter((edit) => gone.includes(edit.tab));
    const found: FoundEdit[] = [];
    for (const edit of edits.sort((a, b) => a.place - b.place)) {
      const own = { ...edit, tab };
      await store.put(own);
      found.push({ ...own, sent: (await transaction.objectStore('sent').get(edit.id)) ?? null });
    }
    await transaction.done;
    return found;
  }, []);
}

/** Lets go of all edits of a job: it was deleted. */
export async function dropJob(jobId: string): Promise<void> {
  const ids = await attemptOn((database) => database.getAllKeysFromIndex('edits', 'job', jobId), []);
  await drop(ids);
}
