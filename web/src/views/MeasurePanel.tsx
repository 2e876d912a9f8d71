// Measurements of the mask that is shown: each object's size, diameters, intensities, and its area along the slices.
import { useEffect } from 'react';
import { ActionIcon, Alert, Loader, Switch, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconClipboard, IconFocus2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Measurements, ObjectMeasures } from '../api/types';
import { axisIndex, planeOfStoredAxis } from '../core/axes';
import { diameterText, formatMl, formatNumber, measurementsText } from '../core/measure';
import { measureSoon, showSlice } from '../state/measures';
import { errorText, notifyDone } from '../state/notices';
import { patchOpen, useStore, type OpenJob } from '../state/store';
import { AreaCurve } from './AreaCurve';
import { copyText } from './copy';
import { Section } from './Section';
import { useLabelName } from './use_label_name';

/** `HU`, or nothing where intensities have no unit. */
function unitOf({ units }: Measurements): string {
  return units.intensity === '1' ? '' : units.intensity;
}

function useObjectName(open: OpenJob): (object: ObjectMeasures) => string {
  const labelName = useLabelName();
  return (object) => {
    const label = open.job.labels.find((it) => it.value === object.label);
    return label === undefined ? object.name : labelName(label);
  };
}

function Copy({ open, measured }: { open: OpenJob; measured: Measurements }): React.JSX.Element {
  const { t } = useTranslation();
  const name = useObjectName(open);
  const copy = async (): Promise<void> => {
    const words = {
      name,
      volume: t('measure.volume'),
      diameters: t('measure.diameters'),
      slice: (index: number) => t('measure.slice', { index }),
      mean: t('measure.mean'),
      range: t('measure.range'),
      median: t('measure.median'),
      surface: t('measure.surface'),
    };
    if (await copyText(`${open.job.name}\n\n${measurementsText(measured, unitOf(measured), words)}\n`)) notifyDone(t('measure.copied'));
  };
  return (
    <Tooltip label={t('measure.copy')}>
      <ActionIcon size={32} aria-label={t('measure.copy')} data-testid="copy-measures" onClick={() => void copy()}>
        <IconClipboard size={17} />
      </ActionIcon>
    </Tooltip>
  );
}

function Row({ name, value, testId, title }: { name: string; value: string; testId: string; title?: string }): React.JSX.Element {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd data-testid={testId}>{value}</dd>
    </div>
  );
}

function GoToSlice({ open, object }: { open: OpenJob; object: ObjectMeasures }): React.JSX.Element | null {
  const { t } = useTranslation();
  const { longest } = object;
  if (!longest) return null;
  const words = t('measure.go', { index: longest.slice_index });
  return (
    <Tooltip label={words}>
      <ActionIcon
        size={32}
        aria-label={words}
        data-testid={`go-${object.label}`}
        onClick={() => {
          showSlice(planeOfStoredAxis(open.grid.axes, axisIndex(longest.axis)), longest.slice_index);
        }}
      >
        <IconFocus2 size={17} />
      </ActionIcon>
    </Tooltip>
  );
}

function ObjectCard({ open, object, unit }: { open: OpenJob; object: ObjectMeasures; unit: string }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const name = useObjectName(open)(object);
  const color = open.job.labels.find((it) => it.value === object.label)?.color ?? 'transparent';
  const number = (value: number | null | undefined): string => (typeof value === 'number' ? formatNumber(value, 1) : '–');
  const suffix = unit === '' ? '' : ` ${unit}`;
  const { label } = object;
  return (
    <section className="measures" aria-label={name} data-testid={`measures-${label}`}>
      <div className="measures-head">
        <span className="term-color" style={{ background: color }} aria-hidden />
        <h3>{name}</h3>
        <strong className="number" data-testid={`ml-${label}`} data-ml={object.volume_ml} title={t('measure.volume')}>
          {t('objects.volume', { ml: formatMl(object.volume_ml) })}
        </strong>
        <GoToSlice open={open} object={object} />
      </div>
      <dl className="measure-rows">
        <Row name={t('measure.diameters')} value={diameterText(object) ?? '–'} testId={`diameters-${label}`} title={t('measure.recist')} />
        <Row name={t('measure.mean')} value={`${number(object.mean)} ± ${number(object.sd)}${suffix}`} testId={`mean-${label}`} />
        <Row name={t('measure.range')} value={`${number(object.min)} – ${number(object.max)}${suffix}`} testId={`range-${label}`} />
        <Row name={t('measure.median')} value={`${number(object.median)}${suffix}`} testId={`median-${label}`} />
        <Row name={t('measure.surface')} value={`${formatNumber(object.surface_mm2, 0)} mm²`} testId={`surface-${label}`} />
        <Row name={t('measure.voxels')} value={new Intl.NumberFormat(i18n.language).format(object.n_voxels)} testId={`voxels-${label}`} />
      </dl>
      <AreaCurve open={open} object={object} name={name} color={color} />
    </section>
  );
}

/** Measures the head as long as the panel is there. */
function useMeasurements(open: OpenJob | null): void {
  const jobId = open?.job.job_id;
  const head = open?.job.head ?? null;
  const frame = open?.frame ?? 0;
  useEffect(() => {
    if (jobId === undefined) return undefined;
    if (head === null) {
      patchOpen({ measured: null, measureError: null });
      return undefined;
    }
    return measureSoon(jobId, head, frame);
  }, [jobId, head, frame]);
}

function Content({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const { measured, measureError } = open;
  const head = open.job.head ?? null;
  if (measureError !== null) {
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title={t('measure.failed')} data-testid="measure-error">
        {errorText(measureError)}
      </Alert>
    );
  }
  if (head !== null && measured === null) {
    return (
      <p className="hint" role="status">
        <Loader size={14} aria-hidden /> {t('measure.loading')}
      </p>
    );
  }
  if (measured === null || measured.objects.length === 0) {
    return (
      <p className="hint" data-testid="nothing-to-measure">
        {t('measure.empty')}
      </p>
    );
  }
  return (
    <div className="measure-list" aria-busy={measured.revision_id !== head} data-testid="measurements" data-revision={measured.revision_id}>
      <Switch
        label={t('measure.draw')}
        checked={open.diameters}
        data-testid="draw-diameters"
        onChange={(event) => {
          patchOpen({ diameters: event.currentTarget.checked });
        }}
      />
      {measured.objects.map((object) => (
        <ObjectCard key={object.label} open={open} object={object} unit={unitOf(measured)} />
      ))}
    </div>
  );
}

export function MeasurePanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  useMeasurements(open);
  if (open === null) return null;
  const { measured } = open;
  return (
    <Section title={t('measure.title')} aside={measured !== null && measured.objects.length > 0 && <Copy open={open} measured={measured} />}>
      <Content open={open} />
    </Section>
  );
}
