// Who made a revision and when, in words; the steps of a review.
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { listReviews } from '../api/records';
import type { Author, ReviewStep } from '../api/types';
import { toApiError } from '../state/notices';

/** A person's name, or words for somebody who said none. */
export function usePersonName(): (name: string | undefined) => string {
  const { t } = useTranslation();
  return (name) => (name === undefined || name === '' ? t('person.unnamed') : name);
}

/** Who or what made a revision. */
export function useAuthorName(): (author: Author) => string {
  const { t } = useTranslation();
  const personName = usePersonName();
  return (author) => {
    if (author.by === 'person') return personName(author.name);
    return t(`engine.${author.engine.name}`);
  };
}

/** The steps of a job's review, newest first; read anew when `version` changes. Null until they are there. */
export function useReviewSteps(jobId: string, version: string): { readonly steps: readonly ReviewStep[] | null; readonly hasFailed: boolean } {
  const [found, setFound] = useState<{ readonly steps: readonly ReviewStep[] | null; readonly hasFailed: boolean }>({ steps: null, hasFailed: false });
  useEffect(() => {
    const stop = new AbortController();
    listReviews(jobId, stop.signal).then(
      (steps) => {
        setFound({ steps: steps.toReversed(), hasFailed: false });
      },
      (cause: unknown) => {
        if (!stop.signal.aborted && toApiError(cause).status >= 0) setFound(({ steps }) => ({ steps, hasFailed: true }));
      },
    );
    return () => {
      stop.abort();
    };
  }, [jobId, version]);
  return found;
}
