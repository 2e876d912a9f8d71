// Edits that the server does not have yet, kept in this browser's database: they outlive the page and a crash of the
// browser. Each belongs to the page that made it. Nothing here throws: where the browser keeps nothing, that is answered.
import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb';
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

/** That a page took an edit over from one that did not answer. Outlives the edit: who only slept must not send it too. */
interface Taken {
  readonly id: string;
  readonly tab: string;
}

interface Schema extends DBSchema {
  edits: { key: string; value: KeptEdit; indexes: { job: string } };
  sent: { key: string; value: Sent };
  taken: { key: string; value: Taken };
}

const STORES = ['edits', 'sent', 'taken'] as const;

type Stores = IDBPTransaction<Schema, typeof STORES, 'readwrite'>;

const NAME = 'voxloop';
const VERSION = 2;
/** A database that does not answer within this is none: edits must not wait for it. */
const PATIENCE_MS = 3000;
/** While it does not answer, nobody waits for it that long again. */
const IMPATIENCE_MS = 100;

let opening: Promise<IDBPDatabase<Schema> | null> | null = null;

function forget(): void {
  opening = null;
}

async function openNow(): Promise<IDBPDatabase<Schema> | null> {
  const late = new Promise<null>((resolve) => {
    setTimeout(resolve, PATIENCE_MS, null);
  });
  try {
    const database = openDB<Schema>(NAME, VERSION, {
      upgrade: (older, from) => {
        if (from < 1) {
          older.createObjectStore('edits', { keyPath: 'id' }).createIndex('job', 'jobId');
          older.createObjectStore('sent', { keyPath: 'id' });
        }
        older.createObjectStore('taken', { keyPath: 'id' });
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

/** Browsers close a database of their own accord, not all with an event. */
function isClosed(cause: unknown): boolean {
  return cause instanceof DOMException && (cause.name === 'InvalidStateError' || cause.name === 'UnknownError');
}

async function runOn<T>(call: (database: IDBPDatabase<Schema>) => Promise<T>, otherwise: T, isAgain = false): Promise<T> {
  opening ??= openNow();
  const mine = opening;
  const database = await mine;
  if (database === null) return otherwise;
  try {
    return await call(database);
  } catch (cause) {
    if (isAgain || !isClosed(cause)) return otherwise;
    if (opening === mine) forget();
    return runOn(call, otherwise, true);
  }
}

let isHanging = false;

/** Runs a call on the database; `otherwise` where there is none, or it refuses, or does not answer. */
function attemptOn<T>(call: (database: IDBPDatabase<Schema>) => Promise<T>, otherwise: T): Promise<T> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      isHanging = true;
      resolve(otherwise);
    };
    const timer = setTimeout(giveUp, isHanging ? IMPATIENCE_MS : PATIENCE_MS);
    void runOn(call, otherwise).then((answer) => {
      clearTimeout(timer);
      isHanging = false;
      resolve(answer);
    });
  });
}

/** Reads and writes as one. */
function together<T>(call: (stores: Stores) => Promise<T>, otherwise: T): Promise<T> {
  return attemptOn(async (database) => {
    const stores = database.transaction(STORES, 'readwrite');
    const [answer] = await Promise.all([call(stores), stores.done]);
    return answer;
  }, otherwise);
}

/** Which page sends an edit; undefined where nothing is known of it. */
async function ownerOf(stores: Stores, id: string): Promise<string | undefined> {
  return ((await stores.objectStore('edits').get(id)) ?? (await stores.objectStore('taken').get(id)))?.tab;
}

/** Keeps edits, or what they have become; false where one of them is not kept. What another page took over stays its own. */
export function keep(edits: readonly KeptEdit[]): Promise<boolean> {
  return together(async (stores) => {
    for (const edit of edits) {
      const isOwn = ((await ownerOf(stores, edit.id)) ?? edit.tab) === edit.tab;
      if (isOwn) await stores.objectStore('edits').put(edit);
    }
    return true;
  }, false);
}

/** Lets go of edits that the server has, or that nobody wants any more. */
export function drop(ids: readonly string[]): Promise<boolean> {
  return together(async (stores) => {
    await Promise.all(ids.flatMap((id) => [stores.objectStore('edits').delete(id), stores.objectStore('sent').delete(id)]));
    return true;
  }, false);
}

/**
 * Notes that a kept edit goes to the server now; false where another page has taken it over. One that the browser has
 * lost, as where its data were cleared, is still the page's own.
 */
export function markSent(id: string, tab: string, parent: string | null): Promise<boolean> {
  return together(async (stores) => {
    const isOwn = ((await ownerOf(stores, id)) ?? tab) === tab;
    if (isOwn) await stores.objectStore('sent').put({ id, parent });
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
  return together(async (stores) => {
    const edits = (await stores.objectStore('edits').index('job').getAll(jobId)).filter((edit) => gone.includes(edit.tab));
    const found: FoundEdit[] = [];
    for (const edit of edits.sort((a, b) => a.place - b.place)) {
      const own = { ...edit, tab };
      await stores.objectStore('edits').put(own);
      await stores.objectStore('taken').put({ id: edit.id, tab });
      found.push({ ...own, sent: (await stores.objectStore('sent').get(edit.id)) ?? null });
    }
    return found;
  }, []);
}

/** Lets go of all edits of a job: it was deleted. */
export async function dropJob(jobId: string): Promise<void> {
  const ids = await attemptOn((database) => database.getAllKeysFromIndex('edits', 'job', jobId), []);
  await drop(ids);
}
