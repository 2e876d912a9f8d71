// Names of objects: a default name is said in the page's language, a chosen one as it is.
import { useTranslation } from 'react-i18next';
import type { Label } from '../api/types';
import { defaultNumber } from '../core/palette';

export function useLabelName(): (label: Label) => string {
  const { t } = useTranslation();
  return (label) => {
    const value = defaultNumber(label);
    return value === null ? label.name : t('objects.defaultName', { value });
  };
}
