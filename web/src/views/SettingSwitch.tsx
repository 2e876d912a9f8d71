// A setting that is on or off, wherever it is offered.
import { Switch } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';
import { changeSettings } from '../state/view';

/** What the slices show besides the image. */
export const SHOWN = ['letters', 'annotations', 'crosshair', 'outline'] as const;

interface SettingSwitchProps {
  readonly name: (typeof SHOWN)[number];
  readonly size?: 'xs';
  readonly testId: string;
}

export function SettingSwitch({ name, size, testId }: SettingSwitchProps): React.JSX.Element {
  const { t } = useTranslation();
  const isOn = useStore((state) => state.settings[name]);
  return (
    <Switch
      {...(size && { size })}
      label={t(`display.${name}`)}
      checked={isOn}
      data-testid={testId}
      onChange={(event) => {
        changeSettings({ [name]: event.currentTarget.checked });
      }}
    />
  );
}
