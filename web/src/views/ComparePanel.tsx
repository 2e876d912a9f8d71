// Two masks of the case beside each other: Dice and volume per object, and the outlines of both on the slices.
import { useEffect, useState } from 'react';
import { ActionIcon, Select, Switch, Tooltip } from '@mantine/core';
import { IconArrowsExchange } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { compareRevisions } from '../api/records';
import type { ApiError } from '../api/http';
import type { Comparison } from '../api/types';
import { formatDate } from '../core/format';
import { formatMl } from '../core/measure';
import { errorText, toApiError } from '../state/notices';
import { comparedIds, hideCompared, showCompared } from '../state/compare';
import { useStore, type OpenJob } from '../state/store';
import { Section } from './Section';
import { useLabelName } from './use_label_name';
import { useAuthorName, usePersonName } from './use_records';

/** What can be compared: the mask as it is, opinions, then every other revision, newest first. */
function useChoices(open: OpenJob): { value: string; label: string }[] {
  const { t, i18n } = useTranslation();
  const personName = usePersonName();
  const authorName = useAuthorName();
  const { head = null, opinions } = open.job;
  const opinionOf = new Map(opinions.map((opinion) => [opinion.revision_id, opinion]));
  const others = open.revisions.filter(({ revision_id: id }) => id !== head && !opinionOf.has(id));
  return [
    ...(head === null ? [] : [{ value: head, label: t('agreement.now') }]),
    ...[...opinionOf.values()]
      .filter((opinion) => opinion.revision_id !== head)
      .map((opinion) => ({ value: opinion.revision_id, label: t('agreement.opinionOf', { name: personName(opinion.reader) }) })),
    ...others.map((it) => ({ value: it.revision_id, label: `${authorName(it.author)} · ${formatDate(it.created_ms, i18n.language)}` })),
  ];
}

type Found = { readonly comparison: Comparison } | { readonly error: ApiError };

function useComparison(jobId: string, a: string | null, b: string | null): Found | null {
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    if (a === null || b === null || a === b) return undefined;
    const stop = new AbortController();
    compareRevisions(jobId, a, b, stop.signal).then(
      (comparison) => {
        setFound({ comparison });
      },
      (cause: unknown) => {
        if (!stop.signal.aborted) setFound({ error: toApiError(cause) });
      },
    );
    return () => {
      stop.abort();
    };
  }, [jobId, a, b]);
  if (found !== null && 'comparison' in found && (found.comparison.a !== a || found.comparison.b !== b)) return null;
  return found;
}

function Table({ open, comparison }: { open: OpenJob; comparison: Comparison }): React.JSX.Element {
  const { t } = useTranslation();
  const labelName = useLabelName();
  const nameOf = (value: number): string => {
    const label = open.job.labels.find((it) => it.value === value);
    return label === undefined ? t('objects.defaultName', { value }) : labelName(label);
  };
  if (comparison.objects.length === 0) return <p className="hint">{t('agreement.nothing')}</p>;
  return (
    <table className="comparison" data-testid="comparison">
      <thead>
        <tr>
          <th scope="col">{t('agreement.object')}</th>
          <th scope="col">{t('agreement.dice')}</th>
          <th scope="col">{t('agreement.a')}</th>
          <th scope="col">{t('agreement.b')}</th>
        </tr>
      </thead>
      <tbody>
        {comparison.objects.map((object) => (
          <tr key={object.label} data-testid={`compare-${object.label}`} data-dice={object.dice} data-a={object.a_voxels} data-b={object.b_voxels}>
            <th scope="row">{nameOf(object.label)}</th>
            <td>{object.dice.toFixed(3)}</td>
            <td>{formatMl(object.a_ml)}</td>
            <td>{formatMl(object.b_ml)}</td>
          </tr>
        ))}
      </tbody>
      {comparison.objects.length > 1 && (
        <tfoot>
          <tr>
            <th scope="row">{t('agreement.overall')}</th>
            <td data-testid="overall-dice">{comparison.overall_dice.toFixed(3)}</td>
            <td />
            <td />
          </tr>
        </tfoot>
      )}
    </table>
  );
}

/** Whether the outlines on the slices are those of these two. */
function areDrawn(open: OpenJob, a: string | null, b: string | null): boolean {
  const drawn = comparedIds(open);
  return drawn !== null && drawn.a === a && drawn.b === b;
}

function Outlines({ open, a, b }: { open: OpenJob; a: string | null; b: string | null }): React.JSX.Element {
  const { t } = useTranslation();
  const isDrawn = areDrawn(open, a, b);
  return (
    <Switch
      label={t('agreement.outlines')}
      checked={isDrawn}
      disabled={a === null || b === null}
      data-testid="compare-outlines"
      onChange={() => {
        if (isDrawn) hideCompared();
        else if (a !== null && b !== null) void showCompared(a, b);
      }}
    />
  );
}

function Compare({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const choices = useChoices(open);
  const [chosenA, setA] = useState<string | null>(null);
  const [chosenB, setB] = useState<string | null>(null);
  const has = (id: string | null): id is string => choices.some((choice) => choice.value === id);
  const a = has(chosenA) ? chosenA : (choices[0]?.value ?? null);
  const b = has(chosenB) ? chosenB : (choices.find((choice) => choice.value !== a)?.value ?? null);
  const found = useComparison(open.job.job_id, a, b);
  const isDrawn = areDrawn(open, a, b);
  const redraw = (first: string | null, second: string | null): void => {
    if (isDrawn && first !== null && second !== null) void showCompared(first, second);
  };
  const choose = (words: string, value: string | null, set: (value: string | null) => void, testId: string): React.JSX.Element => (
    <Select label={words} data={choices} value={value} onChange={set} searchable={choices.length > 8} data-testid={testId} />
  );
  return (
    <>
      <div className="compare-choice">
        {choose(t('agreement.first'), a, (value) => {
          setA(value);
          redraw(value, b);
        }, 'compare-a')}
        <Tooltip label={t('agreement.swap')}>
          <ActionIcon
            size={32}
            aria-label={t('agreement.swap')}
            data-testid="compare-swap"
            onClick={() => {
              setA(b);
              setB(a);
              redraw(b, a);
            }}
          >
            <IconArrowsExchange size={17} />
          </ActionIcon>
        </Tooltip>
        {choose(t('agreement.second'), b, (value) => {
          setB(value);
          redraw(a, value);
        }, 'compare-b')}
      </div>
      {a === b && <p className="hint">{t('agreement.same')}</p>}
      {found !== null && 'error' in found && <p className="hint" role="alert">{errorText(found.error)}</p>}
      {a !== b && found !== null && 'comparison' in found && <Table open={open} comparison={found.comparison} />}
      <Outlines open={open} a={a} b={b} />
    </>
  );
}

export function ComparePanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const count = open.revisions.length;
  return (
    <Section title={t('agreement.title')}>
      {count < 2 ? <p className="hint">{t('agreement.few', { count })}</p> : <Compare key={open.job.job_id} open={open} />}
    </Section>
  );
}
