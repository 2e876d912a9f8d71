// In the header of a case: everything that can be taken away, one click from anywhere.
import { ActionIcon, Popover } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';
import { DownloadPanel } from './DownloadPanel';

export function DownloadMenu(): React.JSX.Element | null {
  const { t } = useTranslation();
  const isOpen = useStore((state) => state.open !== null);
  if (!isOpen) return null;
  return (
    <Popover position="bottom-end" withArrow trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon size="lg" aria-label={t('export.title')} title={t('export.title')} data-testid="downloads">
          <IconDownload size={19} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className="download-menu" data-testid="download-menu">
        <DownloadPanel />
      </Popover.Dropdown>
    </Popover>
  );
}
