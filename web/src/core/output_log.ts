// What a task's program said: a part that is read grows at both ends.

export interface OutputPart {
  readonly attempt: number;
  readonly attempts: readonly number[];
  readonly offset: number;
  readonly text: string;
  readonly next_offset: number;
  readonly length: number;
}

/** Characters that are kept of a log that grows while somebody looks on. */
const MAX_KEPT = 2 << 20;

/** What is known with what was just read; a part that does not touch it takes its place. */
export function joined<T extends OutputPart>(known: T | null, part: T): T {
  if (known?.attempt !== part.attempt) return part;
  const length = Math.max(known.length, part.length);
  const { attempts } = part;
  if (part.offset === known.next_offset) {
    const text = (known.text + part.text).slice(-MAX_KEPT);
    // Where the beginning was dropped its place is no longer known: what is earlier is read anew.
    const offset = text.length < known.text.length + part.text.length ? part.next_offset - new TextEncoder().encode(text).length : known.offset;
    return { ...known, attempts, length, text, offset, next_offset: part.next_offset };
  }
  if (part.next_offset === known.offset) {
    return { ...known, attempts, length, text: part.text + known.text, offset: part.offset };
  }
  // Read twice at once: the longer one holds the other.
  return part.offset >= known.offset && part.next_offset <= known.next_offset ? { ...known, attempts, length } : part;
}
