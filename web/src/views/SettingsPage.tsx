// What a person sets once: name, looks, how cases open, how prompts work; help, and the way back to how it was.
import { useState, type ReactNode } from 'react';
import { Button, NumberInput, SegmentedControl, Select, Switch, Text, TextInput } from '@mantine/core';
import { IconKeyboard, IconMap2, IconRestore } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { presetNames, type Modality, type ModalityDefaults } from '../core/defaults';
import { MODALITIES } from '../core/job_list';
import { LAYOUTS } from '../core/layout';
import { chooseLanguage, LANGUAGES } from '../i18n';
import { notifyDone } from '../state/notices';
import { choosePerson } from '../state/person';
import { navigate } from '../state/router';
import { signedName } from '../state/session';
import { defaultsHere, THEMES } from '../state/settings';
import { setState, useStore } from '../state/store';
import { changeSettings } from '../state/view';
import { PageHeader } from './PageHeader';
import { Section } from './Section';
import { SettingSwitch, SHOWN } from './SettingSwitch';

const OWN = 'own';

function Field({ words, hint, children }: { words: string; hint?: string; children: ReactNode }): React.JSX.Element {
  return (
    <div className="setting">
      <div>
        <div className="setting-name">{words}</div>
        {hint !== undefined && (
          <Text size="xs" c="dimmed">
            {hint}
          </Text>
        )}
      </div>
      <div className="setting-control">{children}</div>
    </div>
  );
}

function Name(): React.JSX.Element {
  const { t } = useTranslation();
  const person = useStore((state) => state.person);
  const [name, setName] = useState(person);
  // A name that was given in the header meanwhile.
  const [known, setKnown] = useState(person);
  if (known !== person) {
    setKnown(person);
    setName(person);
  }
  const keep = (): void => {
    if (name !== person) choosePerson(name);
  };
  return (
    <Field words={t('person.title')} hint={t('person.text')}>
      <TextInput
        aria-label={t('person.title')}
        value={name}
        maxLength={100}
        autoComplete="name"
        data-testid="setting-name"
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === 'Enter') keep();
        }}
      />
    </Field>
  );
}

function Looks(): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const theme = useStore((state) => state.settings.theme);
  return (
    <Section title={t('settings.looks')}>
      <Field words={t('settings.theme')}>
        <SegmentedControl
          aria-label={t('settings.theme')}
          data={THEMES.map((it) => ({ value: it, label: t(`theme.${it}`) }))}
          value={theme}
          data-testid="setting-theme"
          onChange={(value) => {
            changeSettings({ theme: THEMES.find((it) => it === value) ?? theme });
          }}
        />
      </Field>
      <Field words={t('common.language')}>
        <SegmentedControl
          aria-label={t('common.language')}
          data={LANGUAGES.map(({ code, name }) => ({ value: code, label: name }))}
          value={i18n.language}
          data-testid="setting-language"
          onChange={(value) => {
            const language = LANGUAGES.find(({ code }) => code === value);
            if (language !== undefined) void chooseLanguage(language.code);
          }}
        />
      </Field>
    </Section>
  );
}

function Slices(): React.JSX.Element {
  const { t } = useTranslation();
  const { convention, layout, autoSegment } = useStore((state) => state.settings);
  return (
    <Section title={t('settings.slices')}>
      <Field words={t('convention.label')} hint={t('settings.conventionHint')}>
        <SegmentedControl
          aria-label={t('convention.label')}
          data={(['radiological', 'neurological'] as const).map((it) => ({ value: it, label: t(`convention.${it}`) }))}
          value={convention}
          data-testid="setting-convention"
          onChange={(value) => {
            changeSettings({ convention: value === 'neurological' ? 'neurological' : 'radiological' });
          }}
        />
      </Field>
      <Field words={t('settings.layout')} hint={t('settings.layoutHint')}>
        <Select
          aria-label={t('settings.layout')}
          size="sm"
          data={LAYOUTS.map((it) => ({ value: it, label: t(`plane.${it}`) }))}
          value={layout}
          data-testid="setting-layout"
          onChange={(value) => {
            changeSettings({ layout: LAYOUTS.find((it) => it === value) ?? layout });
          }}
        />
      </Field>
      <div className="setting-switches">
        {SHOWN.map((name) => (
          <SettingSwitch key={name} name={name} testId={`setting-${name}`} />
        ))}
        <Switch
          label={t('prompt.auto')}
          description={t('prompt.autoHint')}
          checked={autoSegment}
          data-testid="setting-auto"
          onChange={(event) => {
            changeSettings({ autoSegment: event.currentTarget.checked });
          }}
        />
      </div>
    </Section>
  );
}

function Opening({ modality }: { modality: Modality }): React.JSX.Element {
  const { t } = useTranslation();
  const defaults = useStore((state) => state.settings.defaults);
  const { preset, engine, opacity } = defaults[modality];
  const name = t(`modality.${modality}`);
  const change = (part: Partial<ModalityDefaults>): void => {
    changeSettings({ defaults: { ...defaults, [modality]: { ...defaults[modality], ...part } } });
  };
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <Select
          aria-label={`${name}: ${t('settings.preset')}`}
          size="sm"
          data={[{ value: OWN, label: t('settings.fitting') }, ...presetNames(modality).map((it) => ({ value: it, label: t(`window.${it}`) }))]}
          value={preset ?? OWN}
          data-testid={`default-preset-${modality}`}
          onChange={(value) => {
            change({ preset: presetNames(modality).find((it) => it === value) ?? null });
          }}
        />
      </td>
      <td>
        <Select
          aria-label={`${name}: ${t('engine.label')}`}
          size="sm"
          data={[{ value: OWN, label: t('settings.serversChoice') }, ...(['graphcut', 'medsam2'] as const).map((it) => ({ value: it, label: t(`engine.${it}`) }))]}
          value={engine ?? OWN}
          data-testid={`default-engine-${modality}`}
          onChange={(value) => {
            change({ engine: value === 'graphcut' || value === 'medsam2' ? value : null });
          }}
        />
      </td>
      <td>
        <NumberInput
          aria-label={`${name}: ${t('display.opacity')}`}
          size="sm"
          min={0}
          max={100}
          step={10}
          suffix=" %"
          allowDecimal={false}
          placeholder={t('settings.asLast')}
          value={opacity === null ? '' : Math.round(opacity * 100)}
          data-testid={`default-opacity-${modality}`}
          onChange={(value) => {
            const percent = typeof value === 'number' ? value : Number.NaN;
            change({ opacity: percent >= 0 && percent <= 100 ? percent / 100 : null });
          }}
        />
      </td>
    </tr>
  );
}

function Help(): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Section title={t('settings.help')}>
      <div className="setting-buttons">
        <Button
          variant="default"
          leftSection={<IconKeyboard size={17} aria-hidden />}
          data-testid="show-keys"
          onClick={() => {
            setState({ keysShown: true });
          }}
        >
          {t('keys.title')}
        </Button>
        <Button
          variant="default"
          leftSection={<IconMap2 size={17} aria-hidden />}
          data-testid="tour-again"
          onClick={() => {
            changeSettings({ tourSeen: false });
            navigate({ page: 'jobs' });
            notifyDone(t('tour.again'));
          }}
        >
          {t('settings.tourAgain')}
        </Button>
        <Button
          variant="default"
          leftSection={<IconRestore size={17} aria-hidden />}
          data-testid="reset-settings"
          onClick={() => {
            changeSettings(defaultsHere());
            notifyDone(t('settings.isReset'));
          }}
        >
          {t('settings.reset')}
        </Button>
      </div>
      <Text size="xs" c="dimmed">
        {t('settings.kept')}
      </Text>
    </Section>
  );
}

export default function SettingsPage(): React.JSX.Element {
  const { t } = useTranslation();
  const isNameSaid = useStore((state) => signedName(state) === null);
  return (
    <div className="jobs-page">
      <PageHeader title={t('pages.settings')} />
      <main id="main" className="settings-main" data-testid="settings">
        {isNameSaid && (
          <Section title={t('settings.you')}>
            <Name />
          </Section>
        )}
        <Looks />
        <Slices />
        <Section title={t('settings.opening')}>
          <table className="setting-table">
            <thead>
              <tr>
                {([t('settings.modality'), t('settings.preset'), t('engine.label'), t('display.opacity')] as const).map((words) => (
                  <th key={words} scope="col">
                    {words}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {MODALITIES.map((modality) => (
                <Opening key={modality} modality={modality} />
              ))}
            </tbody>
          </table>
        </Section>
        <Help />
      </main>
    </div>
  );
}
