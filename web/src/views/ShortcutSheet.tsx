// All keys on one sheet, over whatever page is there: ? opens it, unless a person types.
import { Fragment, useEffect } from 'react';
import { Kbd, Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { keyCaps, SHORTCUT_GROUPS, SHORTCUTS } from '../core/shortcuts';
import { getState, setState, useStore } from '../state/store';
import { isTyping } from './own_keys';

const isMac = navigator.userAgent.includes('Mac');

function Keys({ keys }: { keys: readonly string[] }): React.JSX.Element {
  return (
    <dt>
      {keys.map((combination) => (
        <span key={combination} className="key-combination">
          {keyCaps(combination, isMac).map((cap) => (
            <Kbd key={cap} size="sm">
              {cap}
            </Kbd>
          ))}
        </span>
      ))}
    </dt>
  );
}

export function ShortcutSheet(): React.JSX.Element {
  const { t } = useTranslation();
  const isShown = useStore((state) => state.keysShown);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      setState({ keysShown: !getState().keysShown });
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, []);
  return (
    <Modal
      opened={isShown}
      onClose={() => {
        setState({ keysShown: false });
      }}
      title={t('keys.title')}
      size={880}
      centered
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <div className="key-sheet" data-testid="key-sheet">
        {SHORTCUT_GROUPS.map((group) => (
          <section key={group} aria-label={t(`keyGroup.${group}`)}>
            <h3>{t(`keyGroup.${group}`)}</h3>
            <dl>
              {SHORTCUTS.filter((it) => it.group === group).map(({ word, keys }) => (
                <Fragment key={word}>
                  <Keys keys={keys} />
                  <dd>{t(`shortcut.${word}`)}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
        <section aria-label={t('keyGroup.mouse')}>
          <h3>{t('keyGroup.mouse')}</h3>
          <ul>
            {(['wheel', 'right', 'middle', 'zoom', 'enlarge', 'surface', 'touch'] as const).map((line) => (
              <li key={line}>{t(`help.${line}`)}</li>
            ))}
          </ul>
        </section>
      </div>
    </Modal>
  );
}
