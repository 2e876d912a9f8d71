// A machine that computes: what it does, its GPUs, processors, memory and disk, now and in the last minutes.
import { ActionIcon, Tooltip } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { DeviceGpu } from '../api/types';
import { silentMs, type ShownDevice } from '../core/devices';
import { formatAgo } from '../core/format';
import { mayBe } from '../state/access';
import { removeDevice } from '../state/devices';
import { navigate, pathOf } from '../state/router';
import { useStore } from '../state/store';
import { Curve, Meter } from './DeviceMeters';
import { useSecond } from './use_second';

type Figure = number | null | undefined;

function useGigabytes(): (value: number) => string {
  const { i18n } = useTranslation();
  return (value) => new Intl.NumberFormat(i18n.language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

function Share({ name, used, total, isFree = false }: { name: string; used: Figure; total: Figure; isFree?: boolean }): React.JSX.Element {
  const { t } = useTranslation();
  const gigabytes = useGigabytes();
  if (typeof used !== 'number' || typeof total !== 'number' || total <= 0) {
    return <Meter name={name} percent={null} words={typeof total === 'number' ? `${gigabytes(total)} GB` : t('devices.unknown')} />;
  }
  const words = isFree
    ? t('devices.free', { free: gigabytes(total - used), total: gigabytes(total) })
    : t('devices.ofTotal', { used: gigabytes(used), total: gigabytes(total) });
  return <Meter name={name} percent={(100 * used) / total} words={words} />;
}

function Percent({ name, value }: { name: string; value: Figure }): React.JSX.Element {
  const { t } = useTranslation();
  return <Meter name={name} percent={value ?? null} words={typeof value === 'number' ? `${Math.round(value)} %` : t('devices.unknown')} />;
}

function Gpu({ gpu }: { gpu: DeviceGpu }): React.JSX.Element {
  const { t } = useTranslation();
  const gigabytes = useGigabytes();
  const number = `GPU ${gpu.id}`;
  const { processes } = gpu;
  return (
    <section className="device-gpu" aria-label={`${number} ${gpu.name}`} data-testid="gpu">
      <h3>
        <span className="dim">{number}</span> {gpu.name}
        <span className="grow" />
        {typeof gpu.temperature === 'number' && (
          <span className="number" title={t('devices.temperature')} data-testid="temperature">
            {Math.round(gpu.temperature)} °C
          </span>
        )}
        {typeof gpu.power_usage === 'number' && (
          <span className="number dim" title={t('devices.power')}>
            {Math.round(gpu.power_usage)} W
          </span>
        )}
      </h3>
      <Percent name={t('devices.use')} value={gpu.util} />
      <Share name={t('devices.vram')} used={gpu.vram_used} total={gpu.vram_total} />
      {processes.length === 0 ? (
        <p className="device-none dim">{t('devices.noProcesses')}</p>
      ) : (
        <ul className="device-processes" aria-label={t('devices.processes')} data-testid="processes">
          {processes.map(({ pid, name, vram_used: used }) => (
            <li key={pid}>
              <span className="device-process-name">{name}</span> <span className="dim number">{pid}</span>
              <span className="grow" />
              {typeof used === 'number' && <span className="number">{gigabytes(used)} GB</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Tasks({ device }: { device: ShownDevice }): React.JSX.Element | null {
  const { t } = useTranslation();
  const { tasks, active_jobs: others } = device;
  if (tasks.length === 0 && others.length === 0) return null;
  return (
    <section className="device-tasks" aria-label={t('devices.tasks')} data-testid="device-tasks">
      <h3>{t('devices.tasks')}</h3>
      <ul>
        {tasks.map(({ task_id: taskId, kind, job_id: jobId, job_name: name, device: where, progress }) => (
          <li key={taskId}>
            {typeof jobId !== 'string' ? (
              t(`task.${kind}`)
            ) : (
              <a
                href={pathOf({ page: 'job', jobId })}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
                  event.preventDefault();
                  navigate({ page: 'job', jobId });
                }}
              >
                {t(`task.${kind}`)} · {name}
              </a>
            )}
            <span className="grow" />
            <span className="dim number">
              {where} {progress && progress.total > 0 ? `${Math.round((100 * progress.done) / progress.total)} %` : ''}
            </span>
          </li>
        ))}
        {others.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </section>
  );
}

function Head({ device }: { device: ShownDevice }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const now = useSecond(true);
  const session = useStore((state) => state.session);
  const { host_id: name, status, removable } = device;
  const when = formatAgo(now - silentMs(device, now), now, i18n.language);
  return (
    <header className="device-head">
      <span className={`state device-${status}`} data-testid="device-status">
        <span className="state-dot" aria-hidden />
        {t(`deviceStatus.${status}`)}
      </span>
      <h2 title={name}>{name}</h2>
      <span className="dim device-heard number">{t(status === 'offline' ? 'devices.asOf' : 'devices.heard', { when })}</span>
      {removable && mayBe({ session }, 'admin') && (
        <Tooltip label={t('devices.removeHint')}>
          <ActionIcon aria-label={t('devices.remove', { name })} data-testid="remove-device" onClick={() => void removeDevice(name)}>
            <IconTrash size={17} />
          </ActionIcon>
        </Tooltip>
      )}
    </header>
  );
}

export function DeviceCard({ device }: { device: ShownDevice }): React.JSX.Element {
  const { t } = useTranslation();
  const samples = device.samples ?? [];
  const { gpus, disk_free: free, disk_total: total, version } = device;
  const used = typeof free === 'number' && typeof total === 'number' ? total - free : null;
  return (
    <li className={`device-card device-is-${device.status}`} data-testid="device" data-host={device.host_id} data-status={device.status}>
      <Head device={device} />
      <Tasks device={device} />
      {gpus.map((gpu) => (
        <Gpu key={gpu.id} gpu={gpu} />
      ))}
      <section className="device-host">
        {gpus.length === 0 && <p className="device-none dim">{t('devices.noGpu')}</p>}
        <Percent name="CPU" value={device.cpu_util} />
        <Share name={t('devices.memory')} used={device.memory_used} total={device.memory_total} />
        <Share name={t('devices.disk')} used={used} total={total} isFree />
      </section>
      <section className="device-curves" aria-label={t('devices.curves')}>
        <Curve name="CPU" samples={samples} of={({ cpu }) => cpu} />
        <Curve name={t('devices.memory')} samples={samples} of={({ memory }) => memory} />
        {gpus.length > 0 && <Curve name="GPU" samples={samples} of={({ gpu }) => gpu} />}
        {gpus.length > 0 && <Curve name={t('devices.vram')} samples={samples} of={({ vram }) => vram} />}
      </section>
      {typeof version === 'string' && <p className="device-version dim">{t('devices.version', { version })}</p>}
    </li>
  );
}
