// The head of every page but a case's own: the way home, the page's name, what it is for; and the window's title.
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { navigate, pathOf } from '../state/router';
import { HeaderControls } from './HeaderControls';
import { Logo } from './Logo';

interface PageHeaderProps {
  /** None on the first page, which bears the product's name. */
  readonly title?: string;
  readonly hint?: string;
}

export function PageHeader({ title, hint }: PageHeaderProps): React.JSX.Element {
  const { t } = useTranslation();
  const name = t('app.name');
  useEffect(() => {
    document.title = title === undefined ? name : `${title} · ${name}`;
  }, [title, name]);
  return (
    <header className="header">
      <a
        className="home"
        href={pathOf({ page: 'jobs' })}
        aria-label={t('common.back')}
        data-testid="home"
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          navigate({ page: 'jobs' });
        }}
      >
        <Logo />
      </a>
      <h1 className="brand">{title ?? name}</h1>
      {hint !== undefined && <span className="tagline">{hint}</span>}
      <span className="grow" />
      <HeaderControls />
    </header>
  );
}
