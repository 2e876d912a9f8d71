// How masks and crosshair look.
import { ActionIcon, Popover, Slider, Text } from '@mantine/core';
import { IconAdjustmentsHorizontal } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';
import { changeSettings } from '../state/view';
import { SettingSwitch, SHOWN } from './SettingSwitch';

export function DisplayMenu(): React.JSX.Element {
  const { t } = useTranslation();
  const opacity = useStore((state) => state.settings.opacity);
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
            {SHOWN.map((name) => (
              <SettingSwitch key={name} name={name} size="xs" testId={name} />
            ))}
          </div>
      </Popover.Dropdown>
    </Popover>
  );
}
