// The tour on the sample: a card that points at the control of the next step. It follows what the person does and takes nothing away.
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Button, Text } from '@mantine/core';
import { IconMap2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ratedRevision } from '../core/confidence';
import { reviewStateOf } from '../core/job_list';
import { besideTarget, laterStep, nextStep, TOUR_STEPS, type Area, type Deeds, type Place, type TourStep } from '../core/tour';
import { toLookAt } from '../state/doubt';
import { useStore, type OpenJob } from '../state/store';
import { changeSettings } from '../state/view';

/** The built-in sample goes by this name wherever it was opened. */
const SAMPLE = 'sample-ct-abdomen.nii.gz';

/** What a step points at; the first that is on the page. */
const TARGETS: Readonly<Record<TourStep, readonly string[]>> = {
  box: ['tool-box'],
  mask: ['segment', 'tab-segment'],
  propagate: ['propagate', 'tab-segment'],
  doubtful: ['review-doubtful', 'next-doubtful', 'tab-segment'],
  accept: ['accept', 'downloads', 'tab-review'],
};

/** What a person may see move: sizes, tabs, the panel's scrolling. */
const LOOK_AGAIN_MS = 300;

function deedsOf(open: OpenJob, hasDownloaded: boolean): Deeds {
  const slices = open.job.head_revision?.slices ?? [];
  const isRated = ratedRevision(open) !== null;
  return {
    hasPrompt: open.job.prompts.length > 0,
    hasMask: (open.job.head ?? null) !== null,
    isPropagated: slices.length > 0 || open.job.status === 'completed',
    hasLooked: open.seen.size > 0 || (isRated && toLookAt(open).length === 0),
    isHandedOver: hasDownloaded || reviewStateOf(open.job) === 'accepted',
  };
}

function targetOf(step: TourStep): Element | null {
  for (const name of TARGETS[step]) {
    const found = document.querySelector(`[data-testid="${name}"]`);
    if (found !== null && found.getClientRects().length > 0) return found;
  }
  return null;
}

function areaOf(element: Element): Area {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left, top, width, height };
}

function isSame(a: Area | null, b: Area | null): boolean {
  return a?.left === b?.left && a?.top === b?.top && a?.width === b?.width && a?.height === b?.height;
}

/** Where the control of a step is on the screen, kept up to date. */
function useArea(step: TourStep | null): Area | null {
  const [area, setArea] = useState<Area | null>(null);
  useEffect(() => {
    const look = (): void => {
      const target = step === null ? null : targetOf(step);
      const found = target === null ? null : areaOf(target);
      setArea((before) => (isSame(before, found) ? before : found));
    };
    look();
    const timer = setInterval(look, LOOK_AGAIN_MS);
    window.addEventListener('resize', look);
    return () => {
      clearInterval(timer);
      window.removeEventListener('resize', look);
    };
  }, [step]);
  return area;
}

/** Whether something was downloaded while the tour goes on. */
function useDownloaded(): boolean {
  const [hasDownloaded, setDownloaded] = useState(false);
  useEffect(() => {
    const onClick = (event: MouseEvent): void => {
      if (event.target instanceof Element && event.target.closest('a[download]') !== null) setDownloaded(true);
    };
    window.addEventListener('click', onClick, true);
    return () => {
      window.removeEventListener('click', onClick, true);
    };
  }, []);
  return hasDownloaded;
}

function leave(): void {
  changeSettings({ tourSeen: true });
}

function Card({ step, area }: { step: TourStep | null; area: Area | null }): React.JSX.Element {
  const { t } = useTranslation();
  const card = useRef<HTMLElement>(null);
  const [place, setPlace] = useState<Place | null>(null);
  useLayoutEffect(() => {
    if (card.current === null) return;
    const { offsetWidth: width, offsetHeight: height } = card.current;
    const page = { width: window.innerWidth, height: window.innerHeight };
    setPlace(area === null ? { left: 60, top: page.height - height - 60 } : besideTarget(area, { width, height }, page));
  }, [area, step, t]);
  const n = step === null ? TOUR_STEPS.length : TOUR_STEPS.indexOf(step) + 1;
  return (
    <section ref={card} className="tour" aria-label={t('tour.title')} style={place ?? { left: -1000, top: 0 }} data-testid="tour" data-step={step ?? 'end'}>
      <div className="tour-head">
        <IconMap2 size={18} aria-hidden />
        <span className="number">{step === null ? t('tour.title') : t('tour.step', { n, total: TOUR_STEPS.length })}</span>
      </div>
      <div role="status">
        <Text fw={600}>{t(step === null ? 'tour.end' : `tourStep.${step}`)}</Text>
        <Text size="sm">{t(step === null ? 'tour.endText' : `tourText.${step}`)}</Text>
      </div>
      <Button size="xs" variant={step === null ? 'filled' : 'default'} onClick={leave} data-testid="tour-leave">
        {t(step === null ? 'tour.close' : 'tour.leave')}
      </Button>
    </section>
  );
}

function Guide({ open }: { open: OpenJob }): React.JSX.Element {
  const hasDownloaded = useDownloaded();
  const now = nextStep(deedsOf(open, hasDownloaded));
  // What was done once stays done, although a slice is looked at only for a while.
  const [reached, setReached] = useState<TourStep | null>(now);
  const step = laterStep(reached, now);
  if (step !== reached) setReached(step);
  const area = useArea(step);
  return (
    <>
      {area !== null && <div className="tour-ring" style={{ left: area.left, top: area.top, width: area.width, height: area.height }} aria-hidden />}
      <Card step={step} area={area} />
    </>
  );
}

export function Tour(): React.JSX.Element | null {
  const open = useStore((state) => state.open);
  const isSeen = useStore((state) => state.settings.tourSeen);
  if (open === null || isSeen || open.job.image.file_name !== SAMPLE || open.volume === null) return null;
  return <Guide key={open.job.job_id} open={open} />;
}
