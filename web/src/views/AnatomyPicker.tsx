// Chooses what an object is: a search in three languages and by code, and a list to choose from by keyboard or pointer.
import { useId, useState } from 'react';
import { Modal, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { findTerms, type Term } from '../core/anatomy';
import { useTerms } from './use_anatomy';

interface AnatomyPickerProps {
  readonly title: string;
  readonly onPick: (term: Term) => void;
  readonly onClose: () => void;
}

function Option({ term, id, isActive, onPick }: { term: Term; id: string; isActive: boolean; onPick: () => void }): React.JSX.Element {
  const [name, ...others] = term.names;
  return (
    <li
      id={id}
      role="option"
      aria-selected={isActive}
      className={isActive ? 'term term-active' : 'term'}
      data-testid="term"
      data-code={term.structure.code}
      data-side={term.side ?? 'none'}
      onPointerDown={(event) => {
        // The field keeps the focus, so that what was typed can be changed.
        event.preventDefault();
      }}
      onClick={onPick}
      ref={(element) => {
        if (isActive) element?.scrollIntoView({ block: 'nearest' });
      }}
    >
      <span className="term-color" style={{ background: term.structure.color }} aria-hidden />
      <span className="term-name">{name}</span>
      <span className="dim term-others">{others.join(' · ')}</span>
      <span className="dim number">{term.structure.code}</span>
    </li>
  );
}

function Search({ onPick }: { onPick: (term: Term) => void }): React.JSX.Element {
  const { t } = useTranslation();
  const terms = useTerms();
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const listId = useId();
  const found = findTerms(terms, typed);
  const optionId = (index: number): string => `${listId}-${index}`;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[event.key];
    const chosen = found[active];
    if (step !== undefined) setActive(Math.min(Math.max(active + step, 0), found.length - 1));
    else if (event.key === 'Enter' && chosen !== undefined && !event.nativeEvent.isComposing) onPick(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <div className="anatomy">
      <TextInput
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={found.length === 0 ? undefined : optionId(active)}
        aria-label={t('labels.find')}
        placeholder={t('labels.find')}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        data-autofocus
        data-testid="anatomy-search"
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setActive(0);
        }}
      />
      <p className="hint" role="status">
        {found.length === 0 ? t('labels.findNone') : t('labels.found', { count: found.length })}
      </p>
      <ul id={listId} role="listbox" aria-label={t('labels.anatomy')} className="terms" tabIndex={-1}>
        {found.map((term, index) => (
          <Option
            key={`${term.structure.code}-${term.side ?? ''}`}
            term={term}
            id={optionId(index)}
            isActive={index === active}
            onPick={() => {
              onPick(term);
            }}
          />
        ))}
      </ul>
    </div>
  );
}

export function AnatomyPicker({ title, onPick, onClose }: AnatomyPickerProps): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={title} size={560} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Search onPick={onPick} />
    </Modal>
  );
}
