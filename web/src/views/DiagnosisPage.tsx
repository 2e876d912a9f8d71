// What is wrong with the server and what to do about it: every check with its state, finding and remedy.
import { useEffect } from 'react';
import { Alert, Button, Skeleton, Text, Title, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconClipboard, IconDownload, IconFileSearch, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Diagnosis } from '../api/types';
import { countOf, reportOf, worstFirst } from '../core/diagnosis';
import { formatDate } from '../core/format';
import { examine } from '../state/diagnosis';
import { errorText, notifyDone } from '../state/notices';
import { useStore } from '../state/store';
import { CheckRow, CheckStateBadge } from './CheckRow';
import { copyText } from './copy';
import { PageHeader } from './PageHeader';

function download(diagnosis: Diagnosis): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(diagnosis, null, 2)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'voxloop-diagnosis.json';
  link.click();
  URL.revokeObjectURL(url);
}

function Summary({ diagnosis, looking }: { diagnosis: Diagnosis; looking: boolean }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const { checks, worst } = diagnosis;
  const copy = async (): Promise<void> => {
    if (await copyText(reportOf(diagnosis))) notifyDone(t('diagnosis.reportCopied'));
  };
  return (
    <section className="diagnosis-summary" data-testid="diagnosis-summary" data-worst={worst}>
      <div>
        <Title order={2} size="h3">
          {t(`verdict.${worst === 'error' || worst === 'warning' ? worst : 'ok'}`)}
        </Title>
        <div className="diagnosis-counts">
          {(['error', 'warning', 'note', 'ok', 'skipped'] as const)
            .filter((state) => countOf(checks, state) > 0)
            .map((state) => (
              <span key={state} className="diagnosis-count">
                <CheckStateBadge state={state} />
                <span className="number">{countOf(checks, state)}</span>
              </span>
            ))}
        </div>
        <Text c="dimmed" size="sm">
          {t('diagnosis.made', { when: formatDate(diagnosis.made_ms, i18n.language), version: diagnosis.version })}
        </Text>
      </div>
      <div className="diagnosis-actions">
        <Button leftSection={<IconRefresh size={16} aria-hidden />} loading={looking} onClick={() => void examine(false)} data-testid="examine">
          {t('diagnosis.again')}
        </Button>
        <Tooltip label={t('diagnosis.everythingHint')}>
          <Button
            variant="default"
            leftSection={<IconFileSearch size={16} aria-hidden />}
            disabled={looking}
            onClick={() => void examine(true)}
            data-testid="examine-all"
          >
            {t('diagnosis.everything')}
          </Button>
        </Tooltip>
        <Button variant="default" leftSection={<IconClipboard size={16} aria-hidden />} onClick={() => void copy()} data-testid="copy-report">
          {t('diagnosis.copyReport')}
        </Button>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          data-testid="download-report"
          onClick={() => {
            download(diagnosis);
          }}
        >
          {t('diagnosis.download')}
        </Button>
      </div>
    </section>
  );
}

function Findings(): React.JSX.Element {
  const { t } = useTranslation();
  const { found, error, looking } = useStore((state) => state.diagnosis);
  return (
    <>
      {error !== null && (
        <Alert color="red" icon={<IconAlertTriangle />} title={t('diagnosis.failed')} data-testid="diagnosis-error">
          <Text size="sm" mb="sm">
            {errorText(error)}
          </Text>
          <Text size="sm" mb="sm">
            {t('diagnosis.failedHint')} <code>voxloop doctor</code>
          </Text>
          <Button size="xs" variant="light" color="red" loading={looking} onClick={() => void examine(false)}>
            {t('common.retry')}
          </Button>
        </Alert>
      )}
      {found === null && error === null && <Skeleton height={320} aria-label={t('common.loading')} />}
      {found !== null && (
        <>
          <Summary diagnosis={found} looking={looking} />
          <ul className="check-list" data-testid="checks" aria-busy={looking}>
            {worstFirst(found.checks).map((check) => (
              <CheckRow key={check.name} check={check} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

export default function DiagnosisPage(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => {
    void examine(false);
  }, []);
  return (
    <div className="jobs-page">
      <PageHeader title={t('diagnosis.title')} />
      <main id="main" className="jobs-main">
        <Findings />
      </main>
    </div>
  );
}
