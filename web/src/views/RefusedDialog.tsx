// The server does not take an edit that was made while it was away: the person decides, nothing goes silently.
import { Button, Group, Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { errorText } from '../state/notices';
import { useStore } from '../state/store';

export function RefusedDialog(): React.JSX.Element | null {
  const { t } = useTranslation();
  const refused = useStore((state) => state.refused);
  if (refused === null) return null;
  return (
    <Modal
      opened
      centered
      title={t('late.title')}
      withCloseButton={false}
      closeOnClickOutside={false}
      onClose={() => {
        refused.answer('keep');
      }}
    >
      <div data-testid="late">
        <p className="clash-text">{errorText(refused.cause)}</p>
        <p className="clash-text">{t('late.text', { count: refused.waiting })}</p>
        <p className="hint">{t('late.hint')}</p>
        <Group justify="flex-end" mt="md">
          <Button
            variant="default"
            data-testid="late-drop"
            onClick={() => {
              refused.answer('drop');
            }}
          >
            {t('late.drop')}
          </Button>
          <Button
            data-autofocus
            data-testid="late-keep"
            onClick={() => {
              refused.answer('keep');
            }}
          >
            {t('late.keep')}
          </Button>
        </Group>
      </div>
    </Modal>
  );
}
