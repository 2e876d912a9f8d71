// Anatomical names in the page's language, and in all of them for the search.
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { structureOf, termsOf, type Side, type Structure, type Term } from '../core/anatomy';
import type { Anatomy } from '../api/types';
import { LANGUAGES } from '../i18n';

/** The name of a structure, in one language. */
function useStructureName(): (structure: Structure, side: Side | null, language: string) => string {
  const { i18n } = useTranslation();
  return (structure, side, language) => {
    const t = i18n.getFixedT(language);
    const name = t(`anatomy.${structure.key}`);
    return side === null ? name : t(`anatomy.${side}`, { name: language === 'en' ? name.toLowerCase() : name });
  };
}

/** The name that codes have in the page's language; the code's own meaning where they are none of ours. */
export function useAnatomyName(): (anatomy: Anatomy) => string {
  const { i18n } = useTranslation();
  const nameOf = useStructureName();
  return (anatomy) => {
    const found = structureOf(anatomy);
    return found === null ? anatomy.kind.meaning : nameOf(found.structure, found.side, i18n.language);
  };
}

/** Every term with its names, that of the page's language first. */
export function useTerms(): readonly Term[] {
  const { i18n } = useTranslation();
  const nameOf = useStructureName();
  const { language } = i18n;
  return useMemo(() => {
    const others = LANGUAGES.map(({ code }) => code).filter((code) => code !== language);
    return termsOf((structure, side) => [language, ...others].map((code) => nameOf(structure, side, code)));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the names change with the language only
  }, [language]);
}
