// Keys of the case list. They rest while a person types or holds a control that has keys of its own.
import { useEffect, type RefObject } from 'react';

/** Whether a key means something where it is pressed: all keys where one types, arrows also on switches and choices. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLElement)) return true;
  const { target } = event;
  if (target.closest('textarea, select, [role="menu"], [role="dialog"], [role="listbox"], [role="combobox"]') !== null) return true;
  const field = target.closest('input');
  if (field === null) return false;
  return event.key.startsWith('Arrow') || !['radio', 'checkbox'].includes(field.type);
}

/** Calls `step` with 1 for the next case and -1 for the one before; also down from the search field. */
export function useListKeys(step: (direction: 1 | -1) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isSearch = event.target instanceof HTMLInputElement && event.target.type === 'search';
      const isDown = event.key === 'ArrowDown';
      if (isTaken(event) && !(isSearch && isDown)) return;
      const direction = isDown || event.key === 'j' ? 1 : event.key === 'ArrowUp' || event.key === 'k' ? -1 : null;
      if (direction === null) return;
      event.preventDefault();
      step(direction);
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [step]);
}

/** The key that leads to the search field. */
export function useListSearchKey(field: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '/' || isTaken(event)) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [field]);
}
