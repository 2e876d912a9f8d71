//! Machines that compute, as they say every few seconds.
//!
//! What they say is kept in memory, the last minutes of it for curves, and written to the database
//! where something changed and every few seconds, so that a server that starts again knows them, and
//! another server of the database how a machine is that does not speak to it. It does not go through
//! the list of events, which it would fill: a stream sends the newest state of each device that changed
//! since its listener last heard, by a number that grows with every change.

mod said;
mod state;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use protocol::{
    device::{Device, DeviceHeartbeat, DeviceSample, DeviceStatus, DeviceTask},
    task::Task,
};
use serde_json::Value;
use tokio::sync::{OnceCell, watch};

use crate::{
    error::ApiError,
    state::Server,
    store::{Act, StoreError},
};

pub use said::Said;

use said::Beat;

/// What a device says is written again after this long even where its state is the same: soon enough
/// that no other server of the database takes it for silent.
const WRITE_AGAIN_MS: i64 = 3_000;

/// How far back curves go.
const KEEP_SAMPLES_MS: i64 = 12 * 60 * 1_000;

/// Points of a curve, however often a machine speaks.
const MAX_SAMPLES: usize = 1_000;

/// An agent that is silent for this long is no longer on the machine.
const AGENT_MS: i64 = 60_000;

/// More machines than this are no laboratory's.
const MAX_DEVICES: usize = 1_000;

/// What the database keeps of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its name.
    pub host_id: String,
    /// What it last said.
    pub said: Said,
    /// When it was last heard, milliseconds since 1970.
    pub last_ms: i64,
    /// Grows with each change: an older state never takes the place of a newer one.
    pub seq: i64,
}

/// A machine.
#[derive(Debug)]
struct Known {
    kept: Kept,
    tasks: Vec<DeviceTask>,
    /// As it was last told.
    told: (DeviceStatus, bool),
    written_ms: i64,
    samples: VecDeque<DeviceSample>,
}

impl Known {
    fn new(kept: Kept) -> Self {
        let told = (DeviceStatus::Offline, true);
        Self { kept, tasks: Vec::new(), told, written_ms: 0, samples: VecDeque::new() }
    }

    fn silent_ms(&self, now_ms: i64) -> i64 {
        (now_ms - self.kept.last_ms).max(0)
    }

    /// What it does now, and whether it may be removed.
    fn now(&self, now_ms: i64) -> (DeviceStatus, bool) {
        let silent_ms = self.silent_ms(now_ms);
        let said = &self.kept.said;
        let is_in_use = said.readings.gpus.iter().filter_map(|it| it.util).any(state::is_in_use);
        let is_working = !self.tasks.is_empty() || !said.active_jobs.is_empty() || is_in_use;
        (state::status(silent_ms, is_working), state::is_removable(silent_ms))
    }

    fn hear(&mut self, beat: Beat, now_ms: i64) {
        let said = &mut self.kept.said;
        said.agents.retain(|_, last_ms| now_ms - *last_ms < AGENT_MS);
        said.agents.extend(beat.agent_id.map(|it| (it, now_ms)));
        said.readings = beat.readings;
        said.active_jobs = beat.active_jobs;
        self.kept.last_ms = now_ms;
        let sample = said::sample(&self.kept.said.readings, now_ms);
        self.samples.push_back(sample);
        let oldest = now_ms - KEEP_SAMPLES_MS;
        while self.samples.len() > MAX_SAMPLES
            || self.samples.front().is_some_and(|it| it.at_ms < oldest)
        {
            self.samples.pop_front();
        }
    }

    /// What is to be written, where there is: the state is news, or the last time was long ago.
    fn due_to_write(&mut self, is_news: bool, now_ms: i64) -> Option<Kept> {
        if !is_news && (0..WRITE_AGAIN_MS).contains(&(now_ms - self.written_ms)) {
            return None;
        }
        self.written_ms = now_ms;
        Some(self.kept.clone())
    }

    fn device(&self, now_ms: i64, with_samples: bool) -> Device {
        let (status, removable) = self.now(now_ms);
        let Kept { host_id, said, last_ms, seq } = self.kept.clone();
        Device {
            host_id,
            status,
            removable,
            last_heartbeat: rfc3339(last_ms),
            last_ms,
            silent_ms: self.silent_ms(now_ms),
            seq,
            readings: said.readings,
            tasks: self.tasks.clone(),
            active_jobs: said.active_jobs,
            samples: with_samples.then(|| self.samples.iter().cloned().collect()),
        }
    }
}

fn rfc3339(ms: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    time.ok().and_then(|it| it.format(&Rfc3339).ok()).unwrap_or_default()
}

/// The machines by their names.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    known: Mutex<BTreeMap<String, Known>>,
    /// Set once those of the database were read.
    begun: OnceCell<()>,
    /// Number of the newest change: wakes streams.
    newest: watch::Sender<i64>,
}

impl Devices {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes with each change of a device; holds its number.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// A number for a change: larger than any before, also than those before a restart, since it
    /// never lies behind the time.
    fn next_seq(&self, now_ms: i64) -> i64 {
        let mut seq = 0;
        self.newest.send_modify(|it| {
            *it = now_ms.max(*it + 1);
            seq = *it;
        });
        seq
    }

    /// Devices that changed after the change with that number, in the order of changes.
    pub(crate) fn changed_after(&self, seq: i64, now_ms: i64) -> Vec<Device> {
        let known = self.known();
        let changed = known.values().filter(|it| it.kept.seq > seq);
        let mut devices: Vec<_> = changed.map(|it| it.device(now_ms, false)).collect();
        devices.sort_by_key(|it| it.seq);
        devices
    }

    fn hear(&self, beat: Beat, now_ms: i64) -> Result<Option<Kept>, ApiError> {
        let mut all = self.known();
        let n_known = all.len();
        let host_id = beat.host_id.clone();
        let is_new = !all.contains_key(&host_id);
        if is_new && n_known >= MAX_DEVICES {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "too_many_devices",
                format!("{n_known} devices are known already: remove those that are gone"),
            ));
        }
        let known = all.entry(host_id.clone()).or_insert_with(|| {
            Known::new(Kept { host_id, said: Said::default(), last_ms: now_ms, seq: 0 })
        });
        known.hear(beat, now_ms);
        let now = known.now(now_ms);
        let is_news = is_new || now != known.told;
        known.told = now;
        known.kept.seq = self.next_seq(now_ms);
        Ok(known.due_to_write(is_news, now_ms))
    }

    /// Takes up what other servers of the database heard, and which machines they removed.
    fn read(&self, rows: Vec<Kept>, now_ms: i64) {
        let mut all = self.known();
        all.retain(|host_id, it| {
            let is_kept = rows.iter().any(|row| row.host_id == *host_id);
            is_kept || !state::is_removable(it.silent_ms(now_ms))
        });
        for row in rows {
            let known = all.entry(row.host_id.clone()).or_insert_with(|| Known::new(row.clone()));
            // What seems to come was written before the clock was set back.
            if known.kept.last_ms < row.last_ms && row.last_ms <= now_ms {
                known.kept = Kept { seq: self.next_seq(now_ms), ..row };
            }
        }
    }

    /// Takes up what runs where and how long each is silent.
    fn look(&self, running: &[Task], now_ms: i64) {
        for known in self.known().values_mut() {
            // After the clock was set back, silence would not be seen for as long.
            known.kept.last_ms = known.kept.last_ms.min(now_ms);
            let agents = &known.kept.said.agents;
            let on_it = |it: &&Task| it.agent_id.is_some_and(|it| agents.contains_key(&it));
            let tasks: Vec<_> = running.iter().filter(on_it).map(task_of).collect();
            let is_same = tasks == known.tasks;
            known.tasks = tasks;
            let now = known.now(now_ms);
            let is_news = now != known.told;
            if is_news || !is_same {
                known.told = now;
                known.kept.seq = self.next_seq(now_ms);
            }
        }
    }

    /// Takes a device away that may be removed; gives when it was last heard, and the change's number.
    fn remove(&self, host_id: &str, now_ms: i64) -> Result<(i64, i64), ApiError> {
        let mut all = self.known();
        let known = all
            .get(host_id)
            .ok_or_else(|| ApiError::not_found(format!("no device has the name {host_id}")))?;
        let silent_ms = known.silent_ms(now_ms);
        if !state::is_removable(silent_ms) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "not_removable",
                format!(
                    "{host_id} was heard {} s ago: a device may be removed after a silence of more \
                     than {} s",
                    silent_ms / 1_000,
                    state::REMOVABLE_MS / 1_000
                ),
            ));
        }
        let last_ms = known.kept.last_ms;
        all.remove(host_id);
        Ok((last_ms, self.next_seq(now_ms)))
    }
}

fn task_of(task: &Task) -> DeviceTask {
    DeviceTask {
        task_id: task.task_id,
        kind: task.kind,
        job_id: task.job_id,
        job_name: task.job_name.clone(),
        device: task.device.clone(),
        progress: Some(task.progress.clone()),
    }
}

impl Server {
    /// Reads the devices of the database.
    async fn read_devices(&self) -> Result<(), StoreError> {
        let rows = self.store.devices().await?;
        let newest = rows.iter().map(|it| it.seq).max().unwrap_or(0);
        self.devices.newest.send_if_modified(|it| {
            *it = newest.max(*it);
            false
        });
        self.devices.read(rows, self.now_ms());
        Ok(())
    }

    /// A machine said how it is; gives its name.
    ///
    /// # Errors
    /// If the body cannot be used, there are too many machines, or the database fails.
    pub(crate) async fn device_beat(&self, body: Value) -> Result<String, ApiError> {
        let beat = Beat::read(body)?;
        let host_id = beat.host_id.clone();
        // Numbers go on where an earlier server stopped.
        self.devices.begun.get_or_try_init(|| self.read_devices()).await?;
        if let Some(kept) = self.devices.hear(beat, self.now_ms())? {
            self.store.put_device(&kept).await?;
        }
        Ok(host_id)
    }

    /// This machine says how it is, by the server's own agent.
    ///
    /// # Errors
    /// As by HTTP.
    pub async fn device_heard(&self, heartbeat: &DeviceHeartbeat) -> Result<(), ApiError> {
        let body = serde_json::to_value(heartbeat).map_err(|it| ApiError::internal(&it))?;
        self.device_beat(body).await.map(drop)
    }

    /// Sees which devices fell silent and what runs on them.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn look_at_devices(&self) -> Result<(), ApiError> {
        self.read_devices().await?;
        let running: Vec<_> = self.store.leased().await?.into_iter().map(|it| it.task).collect();
        self.devices.look(&running, self.now_ms());
        Ok(())
    }

    /// Every device by its name, with the curves of the last minutes where asked for.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn list_devices(&self, with_samples: bool) -> Result<Vec<Device>, ApiError> {
        self.look_at_devices().await?;
        let now_ms = self.now_ms();
        Ok(self.devices.known().values().map(|it| it.device(now_ms, with_samples)).collect())
    }

    /// Removes a device that has been silent for long.
    ///
    /// # Errors
    /// 400 if it was heard in the last minute, 404 if there is none of that name.
    pub(crate) async fn remove_device(&self, host_id: &str, act: &Act) -> Result<(), ApiError> {
        self.read_devices().await?;
        let (last_ms, seq) = self.devices.remove(host_id, act.now_ms)?;
        Ok(self.store.remove_device(host_id, last_ms, seq, act).await?)
    }
}
