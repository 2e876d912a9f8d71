// Ways to the other pages, the same on every page; words beside the pictures where there is room.
import { Tooltip } from '@mantine/core';
import { IconClipboardList, IconFolders, IconListDetails, IconSettings, IconStethoscope, type Icon } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { navigate, pathOf, useRoute, type Route } from '../state/router';

const LINKS: readonly { readonly route: Exclude<Route, { page: 'job' | 'unknown' }>; readonly Icon: Icon }[] = [
  { route: { page: 'jobs' }, Icon: IconFolders },
  { route: { page: 'tasks' }, Icon: IconListDetails },
  { route: { page: 'audit' }, Icon: IconClipboardList },
  { route: { page: 'diagnosis' }, Icon: IconStethoscope },
  { route: { page: 'settings' }, Icon: IconSettings },
];

export function PageLinks(): React.JSX.Element {
  const { t } = useTranslation();
  const { page: here } = useRoute();
  return (
    <nav className={here === 'job' ? 'page-links' : 'page-links page-links-words'} aria-label={t('pages.label')}>
      {LINKS.map(({ route, Icon }) => (
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
