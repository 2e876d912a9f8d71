// Who sits here: a name that stands beside edits and reviews.
import { useState, type SyntheticEvent } from 'react';
import { Button, Popover, Text, TextInput } from '@mantine/core';
import { IconUser } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { choosePerson } from '../state/person';
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

export function PersonControl(): React.JSX.Element {
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
