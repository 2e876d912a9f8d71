// How the mask looks, which engine is used, and which one made it.
import { Slider, Switch, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Revision } from '../api/types';
import { useStore } from '../state/store';
import { changeSettings } from '../state/view';
import { EngineChoice, MadeByEngine } from './EngineChoice';
import { Section } from './Section';

function MadeBy({ revision }: { revision: Revision }): React.JSX.Element {
  const { t } = useTranslation();
  const { author } = revision;
  if (author.by === 'engine') return <MadeByEngine engine={author.engine} />;
  return (
    <Text size="xs" data-testid="made-by">
      {t('engine.person', { name: author.name })}
    </Text>
  );
}

export function MaskPanel(): React.JSX.Element {
  const { t } = useTranslation();
  const { opacity, outline, crosshair } = useStore((state) => state.settings);
  const revision = useStore((state) => state.open?.job.head_revision ?? null);
  return (
    <Section title={t('display.title')}>
      <div className="opacity">
        <Text size="xs" id="opacity-label">
          {t('display.opacity')}
        </Text>
        <Slider
          size="sm"
          label={null}
          min={0}
          max={100}
          value={Math.round(opacity * 100)}
          thumbLabel={t('display.opacity')}
          data-testid="opacity"
          onChange={(percent) => {
            changeSettings({ opacity: percent / 100 });
          }}
        />
        <Text size="xs" className="number">
          {Math.round(opacity * 100)} %
        </Text>
      </div>
      <div className="switches">
        <Switch
          size="xs"
          label={t('display.outline')}
          checked={outline}
          data-testid="outline"
          onChange={(event) => {
            changeSettings({ outline: event.currentTarget.checked });
          }}
        />
        <Switch
          size="xs"
          label={t('display.crosshair')}
          checked={crosshair}
          data-testid="crosshair"
          onChange={(event) => {
            changeSettings({ crosshair: event.currentTarget.checked });
          }}
        />
      </div>
      <EngineChoice />
      {revision !== null && <MadeBy revision={revision} />}
    </Section>
  );
}
