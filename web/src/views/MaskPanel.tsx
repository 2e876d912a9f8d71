// How the mask looks, which engine is used, and which one made it.
import { Select, Slider, Switch, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { EngineName, Revision } from '../api/types';
import { currentEngine } from '../core/engines';
import { useStore } from '../state/store';
import { setEngine } from '../state/prompts';
import { changeSettings } from '../state/view';
import { Section } from './Section';

function EngineChoice(): React.JSX.Element | null {
  const { t } = useTranslation();
  const engines = useStore((state) => state.engines);
  const chosen = useStore((state) => state.open?.engine ?? null);
  if (engines.length === 0) return null;
  const words = (name: EngineName): string => t(`engine.${name}`, { defaultValue: name });
  const detail = currentEngine(engines, chosen);
  return (
    <div className="engine">
      <Select
        label={t('engine.label')}
        data-testid="engine"
        value={detail?.name ?? null}
        data={engines.map(({ name, version, ready, missing }) => ({
          value: name,
          disabled: !ready,
          label: `${words(name)} ${version} – ${ready ? t('engine.ready') : t('engine.missing', { what: missing ?? '' })}`,
        }))}
        onChange={(name) => {
          setEngine(engines.find((engine) => engine.name === name)?.name ?? null);
        }}
      />
      {detail !== null && (
        <Text size="xs" c="dimmed">
          {t('engine.licence', { licence: detail.licence })}
        </Text>
      )}
    </div>
  );
}

function MadeBy({ revision }: { revision: Revision }): React.JSX.Element {
  const { t } = useTranslation();
  const { author } = revision;
  return (
    <Text size="xs" data-testid="made-by">
      {author.by === 'engine'
        ? t('engine.ran', { name: t(`engine.${author.engine.name}`, { defaultValue: author.engine.name }), version: author.engine.version })
        : t('engine.person', { name: author.name })}
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
