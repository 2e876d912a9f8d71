// Whether something has lasted: what is over within a blink is not worth a change of the page.
import { useEffect, useState } from 'react';

/** True once `isOn` has been true for `ms` milliseconds without a break. */
export function useLater(isOn: boolean, ms: number): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setTimeout(() => {
      setLate(true);
    }, ms);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [isOn, ms]);
  return isOn && isLate;
}
