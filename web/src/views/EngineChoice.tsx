// Which engine runs: what each one is and with which weights, or which file it lacks and where.
import { Select, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { EngineIdentity, EngineName, EngineStatus } from '../api/types';
import { currentEngine, shortDigest } from '../core/engines';
import { inWords } from '../i18n/said';
import { setEngine } from '../state/prompts';
import { useStore } from '../state/store';
import { CopyButton } from './CopyButton';

/** The content of a file of weights, short; whole under the pointer and in the clipboard. */
function Digest({ sha256 }: { sha256: string }): React.JSX.Element {
  return (
    <span className="digest" title={sha256}>
      <code data-testid="digest">{shortDigest(sha256)}</code>
      <CopyButton text={sha256} />
    </span>
  );
}

function Ready({ engine }: { engine: EngineStatus }): React.JSX.Element {
  const { t } = useTranslation();
  const model = engine.model ?? null;
  const agents = engine.agents ?? [];
  return (
    <div className="engine-facts" data-testid="engine-facts">
      {model !== null && (
        <span>
          {model.name} {(model.sha256 ?? null) === null ? t('engine.unread') : <Digest sha256={model.sha256 ?? ''} />}
        </span>
      )}
      {agents.length > 0 && <span>{t('engine.agents', { names: agents.join(', ') })}</span>}
      <span>{t('engine.licence', { licence: engine.licence })}</span>
    </div>
  );
}

export function EngineChoice(): React.JSX.Element | null {
  const { t, i18n } = useTranslation();
  const engines = useStore((state) => state.engines);
  const chosen = useStore((state) => state.open?.engine ?? null);
  if (engines.length === 0) return null;
  const words = (name: EngineName): string => t(`engine.${name}`, { defaultValue: name });
  const current = currentEngine(engines, chosen);
  return (
    <div className="engine">
      <Select
        label={t('engine.label')}
        data-testid="engine"
        value={current?.name ?? null}
        data={engines.map(({ name, version, ready }) => ({
          value: name,
          disabled: !ready,
          label: `${words(name)} ${version} – ${t(ready ? 'engine.ready' : 'engine.notReady')}`,
        }))}
        onChange={(name) => {
          setEngine(engines.find((engine) => engine.name === name)?.name ?? null);
        }}
      />
      {current !== null && <Ready engine={current} />}
      {engines
        .filter((engine) => !engine.ready)
        .map(({ name, missing, missing_said }) => (
          <Text key={name} size="xs" c="dimmed" className="engine-missing" data-testid={`engine-missing-${name}`}>
            {t('engine.missing', { name: words(name), what: inWords(missing_said, missing ?? '', i18n.language) })}
          </Text>
        ))}
    </div>
  );
}

/** Which engine made a mask, with which weights. */
export function MadeByEngine({ engine }: { engine: EngineIdentity }): React.JSX.Element {
  const { t } = useTranslation();
  const model = engine.model ?? null;
  const name = t(`engine.${engine.name}`, { defaultValue: engine.name });
  return (
    <Text size="xs" component="div" data-testid="made-by">
      {t('engine.ran', { name, version: engine.version })}
      {model !== null && (
        <div className="engine-facts">
          <span>
            {model.name} <Digest sha256={model.sha256} />
          </span>
          <span>{[model.precision, model.device, model.licence].join(' · ')}</span>
          {(model.remark ?? null) !== null && <span>{model.remark}</span>}
        </div>
      )}
    </Text>
  );
}
