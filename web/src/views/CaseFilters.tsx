// Above the case list: search, review states with their counts, modality, and only what is worth a look.
import { useMemo, useRef } from 'react';
import { ActionIcon, Chip, Kbd, SegmentedControl, Select, TextInput } from '@mantine/core';
import { IconSearch, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { JobSummary } from '../api/types';
import { countsByReview, MODALITIES, REVIEW_STATES } from '../core/job_list';
import { changeList } from '../state/list';
import { useStore } from '../state/store';
import { useListSearchKey } from './list_keys';

export function CaseSearch(): React.JSX.Element {
  const { t } = useTranslation();
  const search = useStore((state) => state.list.search);
  const field = useRef<HTMLInputElement>(null);
  useListSearchKey(field);
  const clear = (): void => {
    changeList({ search: '' });
    field.current?.focus();
  };
  return (
    <TextInput
      ref={field}
      className="case-search"
      type="search"
      aria-label={t('list.search')}
      placeholder={t('list.search')}
      title={t('list.searchKey')}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        search === '' ? (
          <Kbd size="xs" aria-hidden>
            /
          </Kbd>
        ) : (
          <ActionIcon size={32} aria-label={t('list.clear')} onClick={clear} data-testid="clear-search">
            <IconX size={15} />
          </ActionIcon>
        )
      }
      value={search}
      data-testid="search"
      onChange={(event) => {
        changeList({ search: event.currentTarget.value });
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        changeList({ search: '' });
        event.currentTarget.blur();
      }}
    />
  );
}

export function CaseFilters({ jobs }: { jobs: readonly JobSummary[] }): React.JSX.Element {
  const { t } = useTranslation();
  const list = useStore((state) => state.list);
  const counts = useMemo(() => countsByReview(jobs, list), [jobs, list]);
  const words = (state: (typeof REVIEW_STATES)[number] | null): React.JSX.Element => (
    <span className="state-count">
      {state === null ? t('list.all') : t(`reviewState.${state}`)}{' '}
      <span className="number" data-testid={`count-${state ?? 'all'}`}>
        {counts[state ?? 'all']}
      </span>
    </span>
  );
  return (
    <div className="case-filters">
      <SegmentedControl
        size="sm"
        aria-label={t('list.states')}
        data-testid="review-filter"
        value={list.review ?? 'all'}
        data={[{ value: 'all', label: words(null) }, ...REVIEW_STATES.map((state) => ({ value: state, label: words(state) }))]}
        onChange={(value) => {
          changeList({ review: REVIEW_STATES.find((state) => state === value) ?? null });
        }}
      />
      <Select
        size="sm"
        className="modality-filter"
        aria-label={t('list.modality')}
        data-testid="modality-filter"
        value={list.modality ?? 'any'}
        data={[{ value: 'any', label: t('list.anyModality') }, ...MODALITIES.map((value) => ({ value, label: t(`modality.${value}`) }))]}
        onChange={(value) => {
          changeList({ modality: MODALITIES.find((it) => it === value) ?? null });
        }}
      />
      <Chip
        size="sm"
        radius="sm"
        checked={list.doubtful}
        title={t('list.doubtfulHint')}
        data-testid="doubtful-filter"
        onChange={(doubtful) => {
          changeList({ doubtful });
        }}
      >
        {t('list.doubtful')}
      </Chip>
    </div>
  );
}
