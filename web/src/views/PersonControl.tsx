// Who sits here: the name they signed in with, or one that they say, beside edits and reviews.
import { useState, type SyntheticEvent } from 'react';
import { Button, Popover, Text, TextInput } from '@mantine/core';
import { IconUser } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { choosePerson } from '../state/person';
import { navigate, pathOf } from '../state/router';
import { signedName } from '../state/session';
import { useStore } from '../state/store';

function NameForm({ onDone }: { onDone: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  const person = useStore((state) => state.person);
  const [name, setName] = useState(person);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    choosePerson(name);
    onDone();
  };
  return (
    <form className="person-form" onSubmit={submit}>
      <TextInput
        label={t('person.title')}
        description={t('person.text')}
        value={name}
        maxLength={100}
        autoComplete="name"
        data-autofocus
        data-testid="person-name"
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
      />
      <Button type="submit" size="xs" data-testid="person-save">
        {t('person.save')}
      </Button>
    </form>
  );
}

function Account({ name }: { name: string }): React.JSX.Element {
  const { t } = useTranslation();
  const words = `${t('pages.account')}: ${name}`;
  return (
    <Button
      component="a"
      href={pathOf({ page: 'account' })}
      variant="subtle"
      color="gray"
      size="compact-sm"
      className="person"
      leftSection={<IconUser size={18} aria-hidden />}
      aria-label={words}
      title={words}
      data-testid="to-account"
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        navigate({ page: 'account' });
      }}
    >
      <Text span inherit truncate>
        {name}
      </Text>
    </Button>
  );
}

export function PersonControl(): React.JSX.Element {
  const name = useStore(signedName);
  return name === null ? <SaidName /> : <Account name={name} />;
}

function SaidName(): React.JSX.Element {
  const { t } = useTranslation();
  const person = useStore((state) => state.person);
  const [isOpen, setOpen] = useState(false);
  const words = person === '' ? t('person.none') : t('person.signedAs', { name: person });
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" withArrow trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          className="person"
          leftSection={<IconUser size={18} aria-hidden />}
          aria-label={words}
          title={words}
          data-testid="person"
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          <Text span inherit truncate>
            {person === '' ? t('person.none') : person}
          </Text>
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <NameForm
          onDone={() => {
            setOpen(false);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}
