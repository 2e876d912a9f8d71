// How masks and crosshair look.
import { ActionIcon, Popover, Slider, Switch, Text } from '@mantine/core';
import { IconAdjustmentsHorizontal } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';
import { changeSettings } from '../state/view';

export function DisplayMenu(): React.JSX.Element {
  const { t } = useTranslation();
  const { opacity, outline, crosshair, letters, annotations } = useStore((state) => state.settings);
  return (
    <Popover position="bottom-start" withArrow trapFocus>
      <Popover.Target>
        <ActionIcon size="lg" aria-label={t('display.title')} title={t('display.title')} data-testid="display">
          <IconAdjustmentsHorizontal size={19} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className="display-menu">
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
            <Switch
              size="xs"
              label={t('display.letters')}
              checked={letters}
              data-testid="letters"
              onChange={(event) => {
                changeSettings({ letters: event.currentTarget.checked });
              }}
            />
            <Switch
              size="xs"
              label={t('display.annotations')}
              checked={annotations}
              data-testid="annotations"
              onChange={(event) => {
                changeSettings({ annotations: event.currentTarget.checked });
              }}
            />
          </div>
      </Popover.Dropdown>
    </Popover>
  );
}
