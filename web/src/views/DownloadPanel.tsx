// What can be taken away: masks, surfaces, pictures, measurements, the whole case. What cannot be had says why.
import { Button, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { result2dUrl } from '../api/client';
import { exportUrl } from '../api/records';
import { labelCounts, labelsOnSlice } from '../core/edit/census';
import { notifyError } from '../state/notices';
import { useStore, type OpenJob } from '../state/store';
import { activeSlice } from '../state/view';
import { pictureOf } from '../viewer/picture';
import { safeName, saveFile, stemOf } from './save_file';
import { Section } from './Section';
import { useLabelName } from './use_label_name';
import { useMemo, type ReactNode } from 'react';

interface DownloadProps {
  readonly words: string;
  readonly why: string | null;
  readonly testId: string;
  /** An address, or what makes the file. */
  readonly from: string | (() => void);
  readonly label?: string;
}

function Download({ words, why, testId, from, label }: DownloadProps): React.JSX.Element {
  const common = { variant: 'default', size: 'xs', 'data-testid': testId, 'aria-label': label } as const;
  if (why !== null) {
    return (
      <Tooltip label={why}>
        <Button {...common} data-disabled aria-disabled aria-description={why}>
          {words}
        </Button>
      </Tooltip>
    );
  }
  if (typeof from === 'function') {
    return (
      <Button {...common} onClick={from}>
        {words}
      </Button>
    );
  }
  return (
    <Button {...common} component="a" href={from} download>
      {words}
    </Button>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }): React.JSX.Element {
  return (
    <div className="download-group" role="group" aria-label={title}>
      <h3>{title}</h3>
      <div className="downloads">{children}</div>
    </div>
  );
}

function Surfaces({ open, query, noMask }: { open: OpenJob; query: Readonly<Record<string, string>>; noMask: string | null }): React.JSX.Element {
  const { t } = useTranslation();
  const labelName = useLabelName();
  const counts = useMemo(() => (open.mask === null ? null : labelCounts(open.mask)), [open.mask]);
  return (
    <Group title={t('export.surfaces')}>
      {open.job.labels.map((label) => {
        const name = labelName(label);
        const isEmpty = counts !== null && !counts.has(label.value);
        return (
          <Download
            key={label.value}
            words={name}
            label={t('export.stl', { name })}
            why={noMask ?? (isEmpty ? t('export.needsObject', { name }) : null)}
            from={exportUrl(open.job.job_id, 'surface.stl', { ...query, label: String(label.value) })}
            testId={`export-stl-${label.value}`}
          />
        );
      })}
    </Group>
  );
}

export function DownloadPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  const person = useStore((state) => state.person);
  if (open === null) return null;
  const { axis, sliceIndex } = activeSlice(open);
  const { mask, job } = open;
  const { job_id: jobId, head = null } = job;
  const noMask = head === null ? t('export.needsMask') : null;
  const noMaskHere = mask !== null && labelsOnSlice(mask, axis, sliceIndex).size === 0 ? t('export.needsMaskHere') : null;
  // A plain link has no header to say who follows it.
  const query: Readonly<Record<string, string>> = { ...(head !== null && { revision: head }), ...(person !== '' && { person }) };
  const withFrame = { ...query, frame: String(open.frame) };
  const savePicture = (): void => {
    const view = document.querySelector<HTMLElement>('.slices');
    if (view === null) return;
    pictureOf(view).then(
      (picture) => {
        saveFile(`${safeName(stemOf(job.name))}-view.png`, picture);
      },
      (cause: unknown) => {
        notifyError(cause, t('export.viewFailed'));
      },
    );
  };
  return (
    <Section title={t('export.title')}>
      <Group title={t('export.masks')}>
        <Download words={t('export.nifti')} why={noMask} from={exportUrl(jobId, 'mask.nii.gz', query)} testId="download-3d" />
        <Download words={t('export.nrrd')} why={noMask} from={exportUrl(jobId, 'mask.nrrd', query)} testId="export-nrrd" />
      </Group>
      <Surfaces open={open} query={query} noMask={noMask} />
      <Group title={t('export.pictures')}>
        <Download words={t('export.slice')} why={noMask ?? noMaskHere} from={result2dUrl(jobId, axis, sliceIndex, person)} testId="download-2d" />
        <Download words={t('export.view')} why={null} from={savePicture} testId="export-view" />
      </Group>
      <Group title={t('export.numbers')}>
        <Download words={t('export.csv')} why={noMask} from={exportUrl(jobId, 'measurements.csv', withFrame)} testId="export-csv" />
        <Download words={t('export.json')} why={noMask} from={exportUrl(jobId, 'measurements.json', withFrame)} testId="export-json" />
      </Group>
      <Group title={t('export.case')}>
        <Download words={t('export.zip')} why={noMask} from={exportUrl(jobId, 'case.zip', withFrame)} testId="export-zip" />
        <Download words={t('export.zipImage')} why={noMask} from={exportUrl(jobId, 'case.zip', { ...withFrame, image: 'true' })} testId="export-zip-image" />
      </Group>
    </Section>
  );
}
