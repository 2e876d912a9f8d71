// Above the slices: layout, window, convention, how the mask looks, and what keys and mouse do.
import { ActionIcon, SegmentedControl, Select, Tooltip } from '@mantine/core';
import {
  IconArrowsMaximize,
  IconCube,
  IconKeyboard,
  IconLayoutGrid,
  IconLayoutSidebarRight,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { LAYOUTS, type Layout } from '../core/layout';
import { windowLimits } from '../core/limits';
import { WHOLE_IMAGE } from '../core/tile';
import { setState, useStore } from '../state/store';
import { changeSettings, setCamera, setLayout, setWindow } from '../state/view';
import { CheckedNumber } from './CheckedNumber';
import { DisplayMenu } from './DisplayMenu';
import { HistogramPopover } from './HistogramPopover';
import { MasksHidden } from './MasksHidden';
import { windowPresets } from './window_presets';

const LAYOUT_ICONS: Readonly<Partial<Record<Layout, Icon>>> = { main: IconLayoutSidebarRight, grid: IconLayoutGrid, surface: IconCube };

function LayoutName({ layout }: { layout: Layout }): React.JSX.Element {
  const { t } = useTranslation();
  const LayoutIcon = LAYOUT_ICONS[layout];
  if (LayoutIcon === undefined) return <>{t(`plane.${layout}`)}</>;
  return (
    <span className="layout-icon" title={t(`plane.${layout}`)}>
      <LayoutIcon size={17} aria-hidden />
      <span className="visually-hidden">{t(`plane.${layout}`)}</span>
    </span>
  );
}

function LayoutChoice(): React.JSX.Element {
  const { t } = useTranslation();
  const layout = useStore((state) => state.settings.layout);
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('tool.layout')}
      data-testid="layout"
      value={layout}
      onChange={(value) => {
        setLayout(value);
      }}
      data={LAYOUTS.map((value) => ({ value, label: <LayoutName layout={value} /> }))}
    />
  );
}

function WindowChoice(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const { window } = open;
  const { offered, chosen } = windowPresets(open);
  return (
    <div className="window-choice" role="group" aria-label={t('window.preset')}>
      <Select
        className="window-preset"
        aria-label={t('window.preset')}
        data-testid="window-preset"
        comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
        value={chosen ?? 'custom'}
        data={[
          ...offered.map(({ name }) => ({ value: name, label: t(`window.${name}`) })),
          ...(chosen === null ? [{ value: 'custom', label: t('window.custom') }] : []),
        ]}
        onChange={(value) => {
          offered.find(({ name }) => name === value)?.choose();
        }}
      />
      <CheckedNumber
        className="window-number"
        aria-label={t('window.low')}
        title={t('window.low')}
        data-testid="window-low"
        hideControls
        value={window.low}
        limits={windowLimits('low', window)}
        isMended={false}
        onChange={(low) => {
          setWindow({ low, high: window.high });
        }}
      />
      <span aria-hidden>–</span>
      <CheckedNumber
        className="window-number"
        aria-label={t('window.high')}
        title={t('window.high')}
        data-testid="window-high"
        hideControls
        value={window.high}
        limits={windowLimits('high', window)}
        isMended={false}
        onChange={(high) => {
          setWindow({ low: window.low, high });
        }}
      />
    </div>
  );
}

function ConventionChoice(): React.JSX.Element {
  const { t } = useTranslation();
  const convention = useStore((state) => state.settings.convention);
  const other = convention === 'radiological' ? 'neurological' : 'radiological';
  return (
    <Tooltip label={t(`convention.${convention}Hint`)}>
      <button
        type="button"
        className="convention"
        data-testid="convention"
        data-convention={convention}
        onClick={() => {
          changeSettings({ convention: other });
        }}
      >
        <span aria-hidden className="convention-letters">
          {convention === 'radiological' ? 'R | L' : 'L | R'}
        </span>
        <span className="visually-hidden">{t('convention.label')}: </span>
        <span className="convention-word">{t(`convention.${convention}`)}</span>
      </button>
    </Tooltip>
  );
}

function Help(): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Tooltip label={t('tool.keysHint')}>
      <ActionIcon
        size="lg"
        aria-label={t('tool.keys')}
        data-testid="help"
        onClick={() => {
          setState({ keysShown: true });
        }}
      >
        <IconKeyboard size={19} />
      </ActionIcon>
    </Tooltip>
  );
}

export function ViewerToolbar(): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <section className="toolbar" aria-label={t('tool.bar')}>
      <LayoutChoice />
      <WindowChoice />
      <HistogramPopover />
      <ConventionChoice />
      <DisplayMenu />
      <MasksHidden />
      <span className="grow" />
      <Tooltip label={t('tool.resetHint')}>
        <ActionIcon
          size="lg"
          aria-label={t('tool.reset')}
          data-testid="fit"
          onClick={() => {
            setCamera(WHOLE_IMAGE);
          }}
        >
          <IconArrowsMaximize size={18} />
        </ActionIcon>
      </Tooltip>
      <Help />
    </section>
  );
}
