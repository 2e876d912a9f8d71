// The results: one slice as a picture, the mask as a volume. What cannot be had yet says why.
import { Button, Tooltip } from '@mantine/core';
import { IconBox, IconPhotoDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { result2dUrl, result3dUrl } from '../api/client';
import { labelsOnSlice } from '../core/labelmap';
import { useStore } from '../state/store';
import { activeSlice } from '../state/view';
import { Section } from './Section';

interface DownloadProps {
  readonly href: string;
  readonly words: string;
  readonly why: string | null;
  readonly icon: React.ReactNode;
  readonly testId: string;
}

function Download({ href, words, why, icon, testId }: DownloadProps): React.JSX.Element {
  if (why !== null) {
    return (
      <Tooltip label={why}>
        <Button variant="default" size="xs" leftSection={icon} data-disabled aria-disabled aria-description={why} data-testid={testId}>
          {words}
        </Button>
      </Tooltip>
    );
  }
  return (
    <Button component="a" href={href} download variant="default" size="xs" leftSection={icon} data-testid={testId}>
      {words}
    </Button>
  );
}

export function DownloadPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const { axis, sliceIndex } = activeSlice(open);
  const { mask, job } = open;
  const noMask = mask === null ? t('download.needsMask') : null;
  const noMaskHere = mask !== null && labelsOnSlice(mask, axis, sliceIndex).size === 0 ? t('download.needsMaskHere') : null;
  return (
    <Section title={t('download.title')}>
      <div className="downloads">
        <Download
          href={result2dUrl(job.job_id, axis, sliceIndex)}
          words={t('download.two')}
          why={noMask ?? noMaskHere}
          icon={<IconPhotoDown size={16} aria-hidden />}
          testId="download-2d"
        />
        <Download
          href={result3dUrl(job.job_id)}
          words={t('download.three')}
          why={noMask}
          icon={<IconBox size={16} aria-hidden />}
          testId="download-3d"
        />
      </div>
    </Section>
  );
}
