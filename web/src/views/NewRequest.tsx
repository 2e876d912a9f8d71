// Asks for a run of a program: which, with which arguments, on which files.
import { useState } from 'react';
import { Alert, Button, FileInput, Select, Textarea } from '@mantine/core';
import { IconAlertTriangle, IconPaperclip, IconSend } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { readArguments } from '../core/requests';
import { isOffered, makeRequest } from '../state/requests';
import { useStore } from '../state/store';
import { CopyButton } from './CopyButton';

const START_AGENT = 'voxloop agent --server URL --token-file FILE --exec "python3 model.py"';

/** Says at once that nobody would run a request. */
export function NoAgent(): React.JSX.Element | null {
  const { t } = useTranslation();
  const programs = useStore((state) => state.desk.programs);
  if (programs === null || programs.some((it) => it.agents.length > 0)) return null;
  return (
    <Alert color="yellow" icon={<IconAlertTriangle />} title={t('requests.noAgent')} data-testid="no-agent">
      {t('requests.noAgentText')}
      <div className="request-command">
        <code>{START_AGENT}</code>
        <CopyButton text={START_AGENT} />
      </div>
    </Alert>
  );
}

function Program({ value, onChange }: { value: string | null; onChange: (program: string | null) => void }): React.JSX.Element {
  const { t } = useTranslation();
  const programs = useStore((state) => state.desk.programs);
  const data = (programs ?? []).map(({ program, agents }) => ({
    value: program,
    label:
      agents.length > 0
        ? t('requests.offeredBy', { program, agents: agents.join(', ') })
        : t('requests.offeredByNobody', { program }),
  }));
  return (
    <Select
      size="sm"
      label={t('requests.program')}
      placeholder={data.length === 0 ? t('requests.noPrograms') : undefined}
      disabled={data.length === 0}
      data={data}
      value={value}
      data-testid="request-program"
      onChange={onChange}
    />
  );
}

export function NewRequest(): React.JSX.Element {
  const { t } = useTranslation();
  const programs = useStore((state) => state.desk.programs);
  const [chosen, setChosen] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [files, setFiles] = useState<File[]>([]);
  const [isSending, setSending] = useState(false);
  const only = programs?.filter((it) => it.agents.length > 0) ?? [];
  const program = chosen ?? (only.length === 1 ? (only[0]?.program ?? null) : null);
  const given = readArguments(text);
  const send = async (): Promise<void> => {
    if (program === null || given === null) return;
    setSending(true);
    const isMade = await makeRequest({ program, arguments: given.value, files });
    setSending(false);
    if (isMade) setFiles([]);
  };
  return (
    <form
      className="request-form"
      aria-label={t('requests.new')}
      data-testid="request-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Program value={program} onChange={setChosen} />
      <Textarea
        label={t('requests.arguments')}
        placeholder='{ "slide": "S-1" }'
        autosize
        minRows={1}
        maxRows={8}
        value={text}
        error={given === null ? t('requests.notJson') : undefined}
        data-testid="request-arguments"
        onChange={(event) => {
          setText(event.currentTarget.value);
        }}
      />
      <FileInput
        multiple
        clearable
        label={t('requests.files')}
        placeholder={t('requests.chooseFiles')}
        leftSection={<IconPaperclip size={16} aria-hidden />}
        value={files}
        data-testid="request-files"
        onChange={setFiles}
      />
      <Button
        type="submit"
        leftSection={<IconSend size={16} aria-hidden />}
        loading={isSending}
        disabled={program === null || given === null}
        data-testid="request-send"
      >
        {t('requests.send')}
      </Button>
      {program !== null && !isOffered(programs, program) && (
        <p className="request-warning" role="status" data-testid="not-offered">
          <IconAlertTriangle size={16} aria-hidden /> {t('requests.notOffered', { program })}
        </p>
      )}
    </form>
  );
}
