// An address of which the page knows nothing.
import { Button, Center, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { navigate } from '../state/router';
import { HeaderControls } from './HeaderControls';

export function UnknownPage(): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <>
      <header className="header">
        <span className="grow" />
        <HeaderControls />
      </header>
      <Center component="main" id="main" className="fill">
        <Stack align="center" data-testid="unknown-page">
          <Title order={1} size="h2">
            {t('error.noPage')}
          </Title>
          <Text c="dimmed">{t('error.noPageText')}</Text>
          <Button
            onClick={() => {
              navigate({ page: 'jobs' });
            }}
          >
            {t('common.back')}
          </Button>
        </Stack>
      </Center>
    </>
  );
}
