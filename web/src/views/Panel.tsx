// Right of the slices: the objects, tabs with what is done about them, and below them what came of a propagation.
import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { isReadOnly } from '../state/accepted';
import { PANEL_TABS, setState, useStore, type PanelTab } from '../state/store';
import { CompareLegend } from './CompareLegend';
import { ComparePanel } from './ComparePanel';
import { DownloadPanel } from './DownloadPanel';
import { EditPanel } from './EditPanel';
import { EnginePanel } from './EnginePanel';
import { HistoryPanel } from './HistoryPanel';
import { MeasurePanel } from './MeasurePanel';
import { ObjectsPanel } from './ObjectsPanel';
import { PromptPanel } from './PromptPanel';
import { OpinionPanel } from './OpinionPanel';
import { PropagatePanel } from './PropagatePanel';
import { ResultBar } from './ResultBar';
import { ReviewPanel } from './ReviewPanel';
import { RunningTask } from './RunningTask';

/** What each tab holds. */
const PARTS: Readonly<Record<PanelTab, readonly (() => React.JSX.Element | null)[]>> = {
  segment: [PromptPanel, PropagatePanel, EditPanel, EnginePanel],
  measure: [MeasurePanel],
  history: [HistoryPanel],
  review: [ReviewPanel, OpinionPanel, ComparePanel, DownloadPanel],
};

export function Panel(): React.JSX.Element {
  const { t } = useTranslation();
  const tab = useStore((state) => state.panelTab);
  const task = useStore((state) => state.open?.job.task ?? null);
  const isClosed = useStore((state) => state.open !== null && isReadOnly(state.open));
  return (
    <aside className="panel">
      <div className="panel-scroll">
        <ObjectsPanel />
        <CompareLegend />
        <Tabs
          className="panel-tabs"
          value={tab}
          keepMounted={false}
          onChange={(value) => {
            setState({ panelTab: PANEL_TABS.find((it) => it === value) ?? 'segment' });
          }}
        >
          <Tabs.List grow aria-label={t('panel.tabs')}>
            {PANEL_TABS.map((it) => (
              <Tabs.Tab key={it} value={it} data-testid={`tab-${it}`}>
                {t(`panel.${it}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {PANEL_TABS.map((it) => (
            <Tabs.Panel key={it} value={it}>
              {/* Whatever edits is out of reach while the case is accepted. */}
              <fieldset className="panel-parts" disabled={isClosed && (it === 'segment' || it === 'history')}>
                {PARTS[it].map((Part) => (
                  <Part key={Part.name} />
                ))}
              </fieldset>
            </Tabs.Panel>
          ))}
        </Tabs>
      </div>
      {task?.kind === 'propagate' && (
        <div className="running-bar">
          <RunningTask task={task} />
        </div>
      )}
      <ResultBar />
    </aside>
  );
}
