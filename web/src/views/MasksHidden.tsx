// Takes all masks off the slices, and says so as long as they are.
import { Button, Tooltip } from '@mantine/core';
import { IconEye, IconEyeOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';
import { toggleMasks } from '../state/view';

export function MasksHidden(): React.JSX.Element {
  const { t } = useTranslation();
  const isHidden = useStore((state) => state.open?.masksHidden === true);
  const looks = isHidden
    ? ({ color: 'yellow', variant: 'filled', autoContrast: true } as const)
    : ({ color: 'gray', variant: 'subtle', 'aria-label': t('display.hideMasks') } as const);
  return (
    <Tooltip label={t(isHidden ? 'display.showMasks' : 'display.hideMasks')}>
      <Button className="masks-hidden" size="xs" aria-pressed={isHidden} data-testid="masks-hidden" onClick={toggleMasks} {...looks}>
        {isHidden ? <IconEyeOff size={19} aria-hidden /> : <IconEye size={19} aria-hidden />}
        {isHidden && <span className="masks-hidden-words">{t('display.masksHidden')}</span>}
      </Button>
    </Tooltip>
  );
}
