// Keys of the case list. They rest while a person types or holds a control that has keys of its own.
import { useEffect, type RefObject } from 'react';

function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLElement)) return true;
  return event.target.closest('input, textarea, select, [role="menu"], [role="dialog"], [role="listbox"]') !== null;
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
