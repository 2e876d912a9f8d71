// Ways to the other pages, language, theme and the way out, the same on every page.
import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { IconCheck, IconLanguage, IconLogout, IconMoon, IconSun } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, LANGUAGES } from '../i18n';
import { signOut } from '../state/session';
import { useStore } from '../state/store';
import { changeSettings } from '../state/view';
import { PageLinks } from './PageLinks';
import { PersonControl } from './PersonControl';
import { useScheme } from './use_scheme';

export function HeaderControls(): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const scheme = useScheme();
  const isSignedIn = useStore(({ session }) => session?.token_required === true && session.signed_in);
  const other = scheme === 'dark' ? 'light' : 'dark';
  const themeName = t(other === 'light' ? 'common.themeLight' : 'common.themeDark');
  const language = LANGUAGES.find(({ code }) => code === i18n.language);
  return (
    <div className="header-controls">
      <PageLinks />
      <PersonControl />
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconLanguage size={18} aria-hidden />}
            aria-label={`${t('common.language')}: ${language?.name ?? ''}`}
            data-testid="language"
          >
            {language?.name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {LANGUAGES.map(({ code, name }) => (
            <Menu.Item
              key={code}
              lang={code}
              data-testid={`language-${code}`}
              rightSection={code === i18n.language ? <IconCheck size={16} aria-hidden /> : null}
              onClick={() => void chooseLanguage(code)}
            >
              {name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Tooltip label={themeName}>
        <ActionIcon
          aria-label={themeName}
          data-testid="theme"
          onClick={() => {
            changeSettings({ theme: other });
          }}
        >
          {other === 'light' ? <IconSun size={18} /> : <IconMoon size={18} />}
        </ActionIcon>
      </Tooltip>
      {isSignedIn && (
        <Tooltip label={t('session.signOut')}>
          <ActionIcon aria-label={t('session.signOut')} data-testid="sign-out" onClick={() => void signOut()}>
            <IconLogout size={18} />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
