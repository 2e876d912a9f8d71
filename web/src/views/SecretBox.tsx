// A secret that was just made: shown this once, ready to be copied.
import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle, IconKey } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './CopyButton';

interface SecretBoxProps {
  readonly title: string;
  readonly text: string;
  /** Said besides that it is shown once. */
  readonly hint?: string;
  readonly onClose: () => void;
}

export function SecretBox({ title, text, hint, onClose }: SecretBoxProps): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Alert
      className="secret-box"
      icon={<IconKey />}
      title={title}
      role="status"
      withCloseButton
      closeButtonLabel={t('common.close')}
      onClose={onClose}
      data-testid="secret"
    >
      <div className="secret-line">
        <code data-testid="secret-text">{text}</code>
        <CopyButton text={text} />
      </div>
      {hint !== undefined && <Text size="sm">{hint}</Text>}
      <Text size="sm" className="secret-once">
        <IconAlertTriangle size={15} aria-hidden /> {t('access.once')}
      </Text>
    </Alert>
  );
}
