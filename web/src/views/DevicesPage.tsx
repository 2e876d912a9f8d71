// The machines that compute: a card for each, live, and how to add one.
import { useEffect, useMemo } from 'react';
import { Alert, Button, SegmentedControl, Skeleton, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { agentCommand, joinCommand } from '../core/access';
import { DEVICE_STATUSES, inOrder } from '../core/devices';
import { orderDevices, refreshDevices, watchDevices } from '../state/devices';
import { errorText } from '../state/notices';
import { useStore } from '../state/store';
import { CopyButton } from './CopyButton';
import { DeviceCard } from './DeviceCard';
import { PageHeader } from './PageHeader';

function Counts(): React.JSX.Element {
  const { t } = useTranslation();
  const devices = useStore((state) => state.devices.devices);
  return (
    <ul className="device-counts" data-testid="device-counts">
      {DEVICE_STATUSES.map((status) => (
        <li key={status} className={`state device-${status}`}>
          <span className="state-dot" aria-hidden />
          {t(`deviceStatus.${status}`)} <span className="number">{devices.filter((it) => it.status === status).length}</span>
        </li>
      ))}
    </ul>
  );
}

function Order(): React.JSX.Element {
  const { t } = useTranslation();
  const order = useStore((state) => state.devices.order);
  return (
    <SegmentedControl
      aria-label={t('devices.order')}
      data={[
        { value: 'name', label: t('devices.byName') },
        { value: 'status', label: t('devices.byStatus') },
      ]}
      value={order}
      onChange={(value) => {
        orderDevices(value);
      }}
    />
  );
}

function AddMachine({ isFirst }: { isFirst: boolean }): React.JSX.Element {
  const { t } = useTranslation();
  const isClosed = useStore(({ session }) => session?.token_required === true);
  const command = isClosed ? joinCommand(window.location.origin, 'TOKEN') : agentCommand(window.location.origin);
  return (
    <section className={isFirst ? 'device-add device-add-first' : 'device-add'} data-testid={isFirst ? 'devices-empty' : 'add-machine'}>
      <Title order={2} size="h4">
        {t(isFirst ? 'devices.emptyTitle' : 'devices.addTitle')}
      </Title>
      <Text c="dimmed" size="sm">
        {t(isFirst ? 'devices.emptyText' : 'devices.addText')}
      </Text>
      <div className="device-command">
        <code data-testid="agent-command">{command}</code>
        <CopyButton text={command} />
      </div>
      {isClosed && (
        <Text c="dimmed" size="sm">
          {t('devices.joinHint')}
        </Text>
      )}
    </section>
  );
}

function Devices(): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const { devices, isLoaded, error, order } = useStore((state) => state.devices);
  const shown = useMemo(() => inOrder(devices, order, i18n.language), [devices, order, i18n.language]);
  if (!isLoaded && error !== null) {
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title={t('devices.notLoaded')} data-testid="devices-error">
        <Text size="sm" mb="sm">
          {errorText(error)}
        </Text>
        <Button size="xs" variant="light" color="red" onClick={() => void refreshDevices()}>
          {t('common.retry')}
        </Button>
      </Alert>
    );
  }
  if (!isLoaded) return <Skeleton height={260} aria-label={t('common.loading')} />;
  return (
    <>
      {shown.length > 0 && (
        <>
          <div className="task-top">
            <Counts />
            <span className="grow" />
            <Order />
          </div>
          <ul className="device-list" data-testid="devices">
            {shown.map((device) => (
              <DeviceCard key={device.host_id} device={device} />
            ))}
          </ul>
        </>
      )}
      <AddMachine isFirst={shown.length === 0} />
    </>
  );
}

export default function DevicesPage(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => watchDevices(), []);
  return (
    <div className="jobs-page">
      <PageHeader title={t('pages.devices')} />
      <main id="main" className="tasks-main">
        <Devices />
      </main>
    </div>
  );
}
