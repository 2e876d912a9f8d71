// Dark or light: as chosen, or as the system has it.
import { useMediaQuery } from '@mantine/hooks';
import { useStore } from '../state/store';

export function useScheme(): 'dark' | 'light' {
  const theme = useStore((state) => state.settings.theme);
  const isLight = useMediaQuery('(prefers-color-scheme: light)', false, { getInitialValueInEffect: false });
  if (theme !== 'system') return theme;
  return isLight ? 'light' : 'dark';
}
