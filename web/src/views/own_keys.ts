// Which keys a control needs for itself: all others are the page's, wherever the focus is.

const ARROWS: readonly string[] = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'];
const ENDS: readonly string[] = ['Home', 'End', 'PageUp', 'PageDown'];

/** Dialogs and open lists keep every key. */
const WHOLE = '[role="dialog"], [role="menu"], [role="listbox"], [aria-haspopup="listbox"][aria-expanded="true"], [contenteditable="true"]';

/** Inputs in which nobody types. */
const NO_TEXT: ReadonlySet<string> = new Set(['radio', 'checkbox', 'color', 'range', 'file', 'button', 'submit', 'reset']);

/** What each kind of control uses of the page's keys; a plain Enter presses, with Shift or Ctrl it is the page's. */
const OWN: readonly (readonly [selector: string, keys: readonly string[]])[] = [
  ['[role="slider"], input[type="range"]', [...ARROWS, ...ENDS]],
  ['[role="radio"], input[type="radio"]', ARROWS],
  ['[role="tab"]', [...ARROWS, 'Home', 'End', 'Enter']],
  ['select, [aria-haspopup="listbox"]', [...ARROWS, ...ENDS, 'Enter']],
  ['[aria-haspopup="menu"]', ['ArrowUp', 'ArrowDown', 'Enter']],
  ['button, a[href], summary, input[type="color"], input[type="file"]', ['Enter']],
];

function isField(element: Element): element is HTMLInputElement | HTMLTextAreaElement {
  if (element instanceof HTMLTextAreaElement) return true;
  return element instanceof HTMLInputElement && !NO_TEXT.has(element.type) && !element.matches('[aria-haspopup="listbox"][readonly]');
}

/** Whether only a number can be typed there: letters mean nothing in it. */
function isNumber(field: Element): boolean {
  return field.matches('[inputmode="numeric"], [inputmode="decimal"]');
}

/** Keys that no number has in it. */
function isNoDigit({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  return !ctrlKey && !metaKey && !altKey && (/^[\p{L}[\]]$/u.test(key) || key === 'Escape' || (key === 'Enter' && shiftKey));
}

/** Whether a person types words where the key was pressed. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && (target.closest('[contenteditable="true"]') !== null || (isField(target) && !isNumber(target)));
}

/** Whether the control that has the focus needs the key itself. */
export function isOwnKey(event: KeyboardEvent): boolean {
  const { target } = event;
  if (event.defaultPrevented || event.isComposing) return true;
  if (!(target instanceof Element)) return false;
  if (target.closest(WHOLE) !== null) return true;
  if (isField(target)) return !(isNumber(target) && isNoDigit(event));
  const keys = OWN.find(([selector]) => target.closest(selector) !== null)?.[1] ?? [];
  const isPress = event.key === 'Enter' && (event.shiftKey || event.ctrlKey || event.metaKey);
  return keys.includes(event.key) && !isPress;
}

/** Controls that change with arrows: after a click on one the arrows are the image's again. */
const CHANGES_BY_ARROWS = 'input[type="radio"], input[type="checkbox"]';

/**
 * Gives the focus back to an element once the mouse has used a control that would keep the arrows, or one that is marked
 * so because Enter means another thing on it; stops when called.
 */
export function giveFocusBack(to: () => HTMLElement | null): () => void {
  const stop = new AbortController();
  let isByPointer = false;
  const options = { capture: true, signal: stop.signal };
  window.addEventListener('pointerdown', () => (isByPointer = true), options);
  window.addEventListener('keydown', () => (isByPointer = false), options);
  window.addEventListener(
    'change',
    ({ target }) => {
      if (!isByPointer || !(target instanceof HTMLElement) || !target.matches(CHANGES_BY_ARROWS) || target.closest(WHOLE) !== null) return;
      to()?.focus({ preventScroll: true });
    },
    { signal: stop.signal },
  );
  window.addEventListener(
    'click',
    ({ target }) => {
      const isMarked = target instanceof Element && target.closest('[data-focus="image"]') === document.activeElement;
      if (isByPointer && isMarked) to()?.focus({ preventScroll: true });
    },
    { signal: stop.signal },
  );
  return () => {
    stop.abort();
  };
}
