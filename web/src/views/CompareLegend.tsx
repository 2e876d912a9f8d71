// While two masks are compared: which line is whose, how far they agree, and on which slices they differ.
import { useMemo } from 'react';
import { CloseButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { differing, dice, overlapBySlice, total, type Overlap } from '../core/compare';
import { hideCompared, revisionName } from '../state/compare';
import { useStore, type ComparedMasks, type OpenJob } from '../state/store';
import { activeSlice, setSlice } from '../state/view';

const HEIGHT = 22;

/** Differing voxels per slice; a click goes there. */
function Differences({ open, slices, shown }: { open: OpenJob; slices: readonly Overlap[]; shown: number }): React.JSX.Element {
  const { t } = useTranslation();
  const most = Math.max(...slices.map(differing), 1);
  const n = slices.length;
  return (
    <svg
      className="compare-slices"
      viewBox={`0 0 ${n} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={t('compare.slices')}
      onClick={(event) => {
        const bounds = event.currentTarget.getBoundingClientRect();
        const index = Math.floor(((event.clientX - bounds.left) / bounds.width) * n);
        setSlice(open.plane, Math.min(Math.max(index, 0), n - 1));
      }}
    >
      <rect className="compare-shown" x={shown} y={0} width={1} height={HEIGHT} />
      {slices.map((slice, index) => {
        const height = (HEIGHT * differing(slice)) / most;
        // A slice has no identity but its place.
        return height === 0 ? null : <rect key={index} x={index} y={HEIGHT - height} width={1} height={height} />;
      })}
    </svg>
  );
}

/** Whose mask it is: a reader's, else who made it and when. */
function nameOf({ job, revisions }: OpenJob, revisionId: string): string {
  const reader = job.opinions.find((opinion) => opinion.revision_id === revisionId)?.reader ?? '';
  const revision = revisions.find((it) => it.revision_id === revisionId);
  return reader === '' && revision !== undefined ? revisionName(revision) : reader;
}

function Legend({ open, compared }: { open: OpenJob; compared: ComparedMasks }): React.JSX.Element {
  const { t } = useTranslation();
  const { label } = open;
  const { axis, sliceIndex } = activeSlice(open);
  const [a, b] = [compared.a === null ? open.mask : compared.a.mask, compared.b.mask];
  const slices = useMemo(() => (a === null ? [] : overlapBySlice(a, b, label, axis)), [a, b, label, axis]);
  const agreement = dice(total(slices));
  const here = slices[sliceIndex];
  return (
    <div className="compare-legend" role="group" aria-label={t('compare.title')} data-testid="compare">
      <div className="compare-lines">
        <span className="compare-line" style={{ borderColor: open.job.labels.find((it) => it.value === label)?.color }} aria-hidden />
        <span data-testid="compare-first">{compared.a === null ? t('compare.now') : nameOf(open, compared.a.revisionId)}</span>
        <span className="compare-line compare-line-before" aria-hidden />
        <span data-testid="compare-name">{nameOf(open, compared.b.revisionId)}</span>
        <CloseButton size="sm" variant="transparent" aria-label={t('compare.stop')} onClick={hideCompared} />
      </div>
      <div className="compare-facts">
        <span data-testid="compare-dice">{agreement === null ? t('compare.nothing') : t('compare.dice', { dice: agreement.toFixed(3) })}</span>
        <span data-testid="compare-here">{t('compare.here', { count: here === undefined ? 0 : differing(here) })}</span>
      </div>
      <Differences open={open} slices={slices} shown={sliceIndex} />
    </div>
  );
}

export function CompareLegend(): React.JSX.Element | null {
  const open = useStore((state) => state.open);
  const compared = open?.compared ?? null;
  return open === null || compared === null ? null : <Legend open={open} compared={compared} />;
}
