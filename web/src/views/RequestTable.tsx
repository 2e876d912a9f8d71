// Requests as a table: each with what can be done about it, and unfolded what it asks for and what came of it.
import { Fragment, useState } from 'react';
import { ActionIcon, Button, Group, Loader, Modal, Progress, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconDownload, IconPlayerStop, IconReload, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { fileUrl } from '../api/requests';
import type { Request, RequestSummary } from '../api/types';
import { formatBytes, formatDate } from '../core/format';
import { asTask } from '../core/requests';
import { doneShare, formatTook, hasEnded, leftMs, ranMs, waitedMs } from '../core/tasks';
import { removeRequest, repeatRequest, toggleRequest, withdrawRequest } from '../state/requests';
import { useStore } from '../state/store';
import { TaskStateBadge } from './TaskStateBadge';
import { usePersonName } from './use_records';
import { useSecond } from './use_second';

const COLUMNS = ['state', 'program', 'who', 'agent', 'waited', 'ran', 'progress'] as const;

interface RequestProps {
  readonly request: RequestSummary;
}

function Times({ request }: RequestProps): React.JSX.Element {
  const { i18n } = useTranslation();
  const task = asTask(request);
  const now = useSecond(!hasEnded(task));
  const ran = ranMs(task, now);
  return (
    <>
      <td className="number">{formatTook(waitedMs(task, now), i18n.language)}</td>
      <td className="number">{ran === null ? '–' : formatTook(ran, i18n.language)}</td>
    </>
  );
}

function Outcome({ request }: RequestProps): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const task = asTask(request);
  const now = useSecond(request.status === 'leased');
  if (request.status === 'leased') {
    const [share, left] = [doneShare(task), leftMs(task, now)];
    const percent = share === null ? '' : t('task.progress', { percent: Math.round(share * 100) });
    const facts = left === null ? percent : t('tasks.left', { percent, time: formatTook(left, i18n.language) });
    return (
      <div className="task-two">
        <Progress value={(share ?? 0) * 100} size="sm" aria-label={t('tasks.progress')} />
        <span className="dim number">{[facts, request.progress.stage].filter((it) => it !== '').join(' · ')}</span>
      </div>
    );
  }
  const failure = request.failure ?? null;
  return (
    <div className="task-two">
      {failure !== null && (
        <span className="task-failure" title={failure.message}>
          {failure.message}
        </span>
      )}
      <span className="dim">{formatDate(request.finished_ms ?? request.created_ms, i18n.language)}</span>
    </div>
  );
}

function Delete({ request }: RequestProps): React.JSX.Element {
  const { t } = useTranslation();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Tooltip label={t('requests.delete')}>
        <ActionIcon
          size={32}
          aria-label={t('requests.delete')}
          data-testid="request-delete"
          onClick={() => {
            setAsking(true);
          }}
        >
          <IconTrash size={17} />
        </ActionIcon>
      </Tooltip>
      <Modal
        opened={isAsking}
        title={t('requests.deleteTitle')}
        closeButtonProps={{ 'aria-label': t('common.close') }}
        onClose={() => {
          setAsking(false);
        }}
      >
        <p>{t('requests.deleteText')}</p>
        <Group justify="flex-end" mt="md">
          <Button
            variant="default"
            onClick={() => {
              setAsking(false);
            }}
          >
            {t('common.cancel')}
          </Button>
          <Button color="red" data-testid="request-delete-yes" onClick={() => void removeRequest(request.request_id)}>
            {t('requests.delete')}
          </Button>
        </Group>
      </Modal>
    </>
  );
}

function Actions({ request }: RequestProps): React.JSX.Element {
  const { t } = useTranslation();
  const { request_id: id, status } = request;
  return (
    <div className="task-actions">
      {(status === 'queued' || status === 'leased') && (
        <Tooltip label={t('tasks.cancel')}>
          <ActionIcon
            size={32}
            aria-label={t('tasks.cancel')}
            data-testid="request-cancel"
            disabled={request.cancel_requested}
            onClick={() => void withdrawRequest(id)}
          >
            <IconPlayerStop size={17} />
          </ActionIcon>
        </Tooltip>
      )}
      {(status === 'failed' || status === 'cancelled') && (
        <Tooltip label={t('tasks.retry')}>
          <ActionIcon size={32} aria-label={t('tasks.retry')} data-testid="request-retry" onClick={() => void repeatRequest(id)}>
            <IconReload size={17} />
          </ActionIcon>
        </Tooltip>
      )}
      <Delete request={request} />
    </div>
  );
}

function Json({ title, value, name }: { title: string; value: unknown; name: string }): React.JSX.Element {
  return (
    <section>
      <h3>{title}</h3>
      <pre className="request-json" tabIndex={0} aria-label={title} data-testid={name}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </section>
  );
}

function Files({ request }: { request: Request }): React.JSX.Element | null {
  const { t, i18n } = useTranslation();
  const files = request.output?.files ?? [];
  if (files.length === 0) return null;
  return (
    <section>
      <h3>{t('requests.outputs')}</h3>
      <ul className="request-files">
        {files.map((file) => (
          <li key={file.name}>
            <a href={fileUrl(request.request_id, file.name)} download data-testid="request-file">
              <IconDownload size={15} aria-hidden /> {file.name}
            </a>{' '}
            <span className="dim number">{formatBytes(file.size, i18n.language)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Whole({ request }: { request: Request }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const { output, failure, inputs } = request;
  return (
    <div className="request-whole" data-testid="request-whole">
      <Json title={t('requests.arguments')} value={request.arguments} name="request-shown-arguments" />
      {inputs.length > 0 && (
        <section>
          <h3>{t('requests.inputs')}</h3>
          <ul className="request-files">
            {inputs.map((file) => (
              <li key={file.name}>
                {file.name} <span className="dim number">{formatBytes(file.size, i18n.language)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {failure !== undefined && failure !== null && (
        <pre className="request-json task-failure" tabIndex={0} aria-label={t('taskState.failed')} data-testid="request-failure">
          {failure.message}
        </pre>
      )}
      {output === undefined || output === null ? (
        <p className="dim">{t('requests.noResult')}</p>
      ) : (
        <Json title={t('requests.result')} value={output.result} name="request-result" />
      )}
      <Files request={request} />
    </div>
  );
}

function Row({ request }: RequestProps): React.JSX.Element {
  const { t } = useTranslation();
  const personName = usePersonName();
  const whole = useStore((state) => state.desk.unfolded[request.request_id]);
  const isUnfolded = whole !== undefined;
  const Chevron = isUnfolded ? IconChevronDown : IconChevronRight;
  return (
    <Fragment>
      <tr className="task-row" data-testid="request-row" data-request={request.request_id} data-state={request.status}>
        <td>
          <ActionIcon
            size={32}
            aria-label={t(isUnfolded ? 'requests.fold' : 'requests.unfold')}
            aria-expanded={isUnfolded}
            data-testid="request-unfold"
            onClick={() => {
              toggleRequest(request.request_id);
            }}
          >
            <Chevron size={17} />
          </ActionIcon>
        </td>
        <td>
          <TaskStateBadge state={request.status} isStopping={request.cancel_requested} />
        </td>
        <td>{request.program}</td>
        <td>{personName(request.by)}</td>
        <td>{request.agent ?? '–'}</td>
        <Times request={request} />
        <td>
          <Outcome request={request} />
        </td>
        <td>
          <Actions request={request} />
        </td>
      </tr>
      {isUnfolded && (
        <tr className="task-unfolded">
          <td colSpan={9}>{whole === null ? <Loader size="sm" aria-label={t('common.loading')} /> : <Whole request={whole} />}</td>
        </tr>
      )}
    </Fragment>
  );
}

export function RequestTable({ requests }: { requests: readonly RequestSummary[] }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="task-scroll">
      <table className="task-table" data-testid="requests">
        <caption className="visually-hidden">{t('pages.requests')}</caption>
        <thead>
          <tr>
            <th scope="col" className="task-col-unfold">
              <span className="visually-hidden">{t('requests.result')}</span>
            </th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className={`task-col-${column}`}>
                {t(`requestColumn.${column}`)}
              </th>
            ))}
            <th scope="col" className="task-col-actions">
              <span className="visually-hidden">{t('tasks.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <Row key={request.request_id} request={request} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
