// What made the image, as a choice: what the file does not say, a person can.
import { NativeSelect } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Job } from '../api/types';
import { MODALITIES } from '../core/job_list';
import { setModality } from '../state/jobs';

export function ModalityChoice({ job }: { job: Job }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <NativeSelect
      size="xs"
      className="modality-choice"
      aria-label={t('list.modality')}
      title={t('modality.hint')}
      data-testid="modality"
      disabled={job.review.state === 'accepted'}
      value={job.image.modality}
      data={MODALITIES.map((value) => ({ value, label: t(`modality.${value}`) }))}
      onChange={(event) => {
        const chosen = MODALITIES.find((it) => it === event.currentTarget.value);
        if (chosen !== undefined) void setModality(job.job_id, chosen);
      }}
    />
  );
}
