// Second opinions: masks that readers keep as their own, and a reading that begins anew.
import { useState } from 'react';
import { ActionIcon, Button, Group, Modal, Text, TextInput, Tooltip } from '@mantine/core';
import { IconBookmarkPlus, IconRestore, IconTrash, IconUserPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Opinion } from '../api/types';
import { formatAgo, formatDate } from '../core/format';
import { isReadOnly } from '../state/accepted';
import { keepOpinion, makeHead, removeOpinion, startSecondReading } from '../state/review';
import { useStore, type OpenJob } from '../state/store';
import { Section } from './Section';
import { useNow } from './use_now';
import { usePersonName } from './use_records';

function OpinionRow({ open, opinion }: { open: OpenJob; opinion: Opinion }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const name = usePersonName()(opinion.reader);
  const isShown = open.job.head === opinion.revision_id;
  return (
    <li className="opinion" data-testid="opinion" data-revision={opinion.revision_id}>
      <span className="opinion-words">
        <strong>{name}</strong>{' '}
        <span className="dim" title={formatDate(opinion.created_ms, i18n.language)}>
          {formatAgo(opinion.created_ms, now, i18n.language)}
          {isShown && ` · ${t('opinion.current')}`}
        </span>
        {opinion.comment !== '' && <span className="break-words">{opinion.comment}</span>}
      </span>
      <Tooltip label={t('opinion.makeHead')}>
        <ActionIcon
          size={32}
          aria-label={`${t('opinion.makeHead')}: ${name}`}
          disabled={isShown || isReadOnly(open)}
          data-testid="make-head"
          onClick={() => void makeHead(opinion.revision_id)}
        >
          <IconRestore size={17} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={t('opinion.removeText')}>
        <ActionIcon size={32} aria-label={t('opinion.remove', { name })} data-testid="remove-opinion" onClick={() => void removeOpinion(opinion.opinion_id)}>
          <IconTrash size={17} />
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

function SecondReading({ comment, onDone, onClose }: { comment: string; onDone: () => void; onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={t('opinion.second')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Text size="sm" mb="lg">
        {t('opinion.secondText')}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button
          data-autofocus
          data-testid="start-second-reading"
          onClick={() => {
            onClose();
            void startSecondReading(comment).then((isStarted) => {
              if (isStarted) onDone();
            });
          }}
        >
          {t('opinion.start')}
        </Button>
      </Group>
    </Modal>
  );
}

function Keep({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const [comment, setComment] = useState('');
  const [isAsking, setAsking] = useState(false);
  const hasMask = (open.job.head ?? null) !== null;
  const why = hasMask ? null : t('opinion.needsMask');
  const clear = (): void => {
    setComment('');
  };
  return (
    <>
      <TextInput
        size="xs"
        aria-label={t('opinion.comment')}
        placeholder={t('opinion.comment')}
        value={comment}
        maxLength={2000}
        data-testid="opinion-comment"
        onChange={(event) => {
          setComment(event.currentTarget.value);
        }}
      />
      <div className="opinion-actions">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconBookmarkPlus size={16} aria-hidden />}
          disabled={why !== null}
          title={why ?? undefined}
          data-testid="keep-opinion"
          onClick={() => void keepOpinion(comment).then((isKept) => { if (isKept) clear(); })}
        >
          {t('opinion.keep')}
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconUserPlus size={16} aria-hidden />}
          disabled={why !== null || isReadOnly(open)}
          title={why ?? undefined}
          data-testid="second-reading"
          onClick={() => {
            setAsking(true);
          }}
        >
          {t('opinion.second')}
        </Button>
      </div>
      {isAsking && (
        <SecondReading
          comment={comment}
          onDone={clear}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

export function OpinionPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const { opinions } = open.job;
  return (
    <Section title={t('opinion.title')}>
      <p className="hint">{t('opinion.text')}</p>
      {opinions.length === 0 ? (
        <p className="dim">{t('opinion.empty')}</p>
      ) : (
        <ul>
          {opinions.map((opinion) => (
            <OpinionRow key={opinion.opinion_id} open={open} opinion={opinion} />
          ))}
        </ul>
      )}
      <Keep open={open} />
    </Section>
  );
}
