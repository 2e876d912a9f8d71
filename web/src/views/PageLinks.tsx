// Ways to the other pages, the same on every page; words beside the pictures where there is room.
import { Tooltip } from '@mantine/core';
import { IconClipboardList, IconFolders, IconListDetails, IconSend, IconServer, IconSettings, IconStethoscope, IconUsers, type Icon } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { PersonRole } from '../core/access';
import { mayBe } from '../state/access';
import { navigate, pathOf, useRoute, type PlainPage } from '../state/router';
import { useStore } from '../state/store';

interface Link {
  readonly route: { readonly page: 'jobs' | Exclude<PlainPage, 'account' | 'join'> };
  readonly Icon: Icon;
  /** Who may go there. */
  readonly needs: PersonRole;
}

const LINKS: readonly Link[] = [
  { route: { page: 'jobs' }, Icon: IconFolders, needs: 'viewer' },
  { route: { page: 'tasks' }, Icon: IconListDetails, needs: 'viewer' },
  { route: { page: 'requests' }, Icon: IconSend, needs: 'viewer' },
  { route: { page: 'devices' }, Icon: IconServer, needs: 'viewer' },
  { route: { page: 'audit' }, Icon: IconClipboardList, needs: 'reviewer' },
  { route: { page: 'people' }, Icon: IconUsers, needs: 'admin' },
  { route: { page: 'diagnosis' }, Icon: IconStethoscope, needs: 'admin' },
  { route: { page: 'settings' }, Icon: IconSettings, needs: 'viewer' },
];

export function PageLinks(): React.JSX.Element | null {
  const { t } = useTranslation();
  const { page: here } = useRoute();
  const session = useStore((state) => state.session);
  // Who has yet to sign in can go nowhere.
  if (session?.token_required === true && !session.signed_in) return null;
  return (
    <nav className={here === 'job' ? 'page-links' : 'page-links page-links-words'} aria-label={t('pages.label')}>
      {LINKS.filter(({ needs }) => mayBe({ session }, needs)).map(({ route, Icon }) => (
        <Tooltip key={route.page} label={t(`pages.${route.page}`)}>
          <a
            className="page-link"
            href={pathOf(route)}
            aria-label={t(`pages.${route.page}`)}
            aria-current={route.page === here ? 'page' : undefined}
            data-testid={`to-${route.page}`}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
              event.preventDefault();
              navigate(route);
            }}
          >
            <Icon size={18} aria-hidden />
            <span className="page-link-word" aria-hidden>
              {t(`pages.${route.page}`)}
            </span>
          </a>
        </Tooltip>
      ))}
    </nav>
  );
}
