// Two people set the same voxels to different labels: the person decides, nothing goes silently.
import { Button, Group, Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from '../state/store';

export function ClashDialog(): React.JSX.Element | null {
  const { t } = useTranslation();
  const clash = useStore((state) => state.clash);
  if (clash === null) return null;
  const by = clash.by === '' ? t('clash.somebody') : clash.by;
  return (
    <Modal
      opened
      centered
      title={t('clash.title')}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      onClose={() => undefined}
    >
      <div data-testid="clash">
        <p className="clash-text">{t('clash.text', { by, count: clash.voxels })}</p>
        <p className="hint">{t('clash.hint')}</p>
        <Group justify="flex-end" mt="md">
          <Button
            variant="default"
            data-testid="clash-theirs"
            onClick={() => {
              clash.answer('theirs');
            }}
          >
            {t('clash.theirs')}
          </Button>
          <Button
            data-autofocus
            data-testid="clash-mine"
            onClick={() => {
              clash.answer('mine');
            }}
          >
            {t('clash.mine')}
          </Button>
        </Group>
      </div>
    </Modal>
  );
}
