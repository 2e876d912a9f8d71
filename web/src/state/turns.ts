// Calls that read or move the server's mask take turns; a stroke that is being drawn holds up whoever changes the mask.

let turns: Promise<unknown> = Promise.resolve();

/** Runs a call after all earlier ones. */
export function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const result = turns.then(call);
  turns = result.catch(() => undefined);
  return result;
}

let drawing: { readonly done: Promise<void>; readonly end: () => void } | null = null;

/** A stroke begins: until it ends, nobody else changes the mask beneath it. */
export function beginDrawing(): void {
  let end = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  drawing = { done, end };
}

export function endDrawing(): void {
  drawing?.end();
  drawing = null;
}

/** Resolves when no stroke is being drawn. */
export async function drawn(): Promise<void> {
  while (drawing !== null) await drawing.done;
}
