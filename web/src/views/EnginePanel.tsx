// Which engine is used, and what made the mask.
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Revision } from '../api/types';
import { useStore } from '../state/store';
import { EngineChoice, MadeByEngine } from './EngineChoice';
import { Section } from './Section';
import { usePersonName } from './use_records';

function MadeBy({ revision }: { revision: Revision }): React.JSX.Element {
  const { t } = useTranslation();
  const personName = usePersonName();
  const { author } = revision;
  if (author.by === 'engine') return <MadeByEngine engine={author.engine} />;
  return (
    <Text size="xs" data-testid="made-by">
      {t('engine.person', { name: personName(author.name) })}
    </Text>
  );
}

export function EnginePanel(): React.JSX.Element {
  const { t } = useTranslation();
  const revision = useStore((state) => state.open?.job.head_revision ?? null);
  return (
    <Section title={t('engine.label')}>
      <EngineChoice />
      {revision !== null && <MadeBy revision={revision} />}
    </Section>
  );
}
