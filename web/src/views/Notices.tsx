// Notices in the corner: failures stay until closed, others go by themselves.
import { Button, CloseButton } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { dismiss } from '../state/notices';
import { useStore } from '../state/store';

const ICONS = { error: IconAlertTriangle, done: IconCircleCheck, plain: IconInfoCircle };

export function Notices(): React.JSX.Element {
  const { t } = useTranslation();
  const notices = useStore((state) => state.notices);
  return (
    <div className="notices" aria-live="polite">
      {notices.map((notice) => {
        const Icon = ICONS[notice.kind];
        return (
          <div
            key={notice.id}
            className={`notice notice-${notice.kind}`}
            role={notice.kind === 'error' ? 'alert' : 'status'}
            data-testid={`notice-${notice.kind}`}
          >
            <Icon size={20} aria-hidden />
            <div className="notice-words">
              <strong>{notice.title}</strong>
              {notice.text !== null && notice.text !== '' && <span>{notice.text}</span>}
              {notice.action !== undefined && (
                <Button
                  size="xs"
                  variant="light"
                  data-testid="notice-action"
                  onClick={() => {
                    dismiss(notice.id);
                    notice.action?.run();
                  }}
                >
                  {notice.action.words}
                </Button>
              )}
            </div>
            <CloseButton
              size="sm"
              aria-label={t('common.close')}
              onClick={() => {
                dismiss(notice.id);
              }}
            />
          </div>
        );
      })}
    </div>
  );
}
