//! The pull loop: ask for work, work, ask again.

use std::{sync::Arc, time::Duration};

use protocol::{
    id::{AgentId, ClaimId},
    lease::{ClaimRequest, PROTOCOL_VERSION},
    task::TaskKind,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{self, Granted},
    connection::{Connection, ConnectionError},
    monitor::Monitor,
    runner::Runner,
};

/// How long the server may hold a claim.
const WAIT_SECS: u32 = 25;

/// Waits after the first, the second … refusal in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What an agent says of itself.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Name for people.
    pub name: String,
    /// Kinds of task it takes, of those that its runner can run.
    pub kinds: Option<Vec<TaskKind>>,
    /// What computes, each with tasks of its own.
    pub devices: Vec<Device>,
}

/// A device of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `cpu`, `cuda:0` …
    pub name: String,
    /// Tasks at once.
    pub slots: usize,
    /// Its memory, where it is a GPU.
    pub gpu_memory_bytes: Option<u64>,
}

impl Device {
    /// A device that is no GPU, or whose memory nobody knows.
    #[must_use]
    pub fn new(name: &str, slots: usize) -> Self {
        Self { name: name.to_owned(), slots, gpu_memory_bytes: None }
    }
}

/// A process that claims tasks and runs them.
pub struct Agent<C, R> {
    connection: Arc<C>,
    runner: Arc<R>,
    profile: Profile,
    agent_id: AgentId,
    monitor: Option<Monitor>,
    longest_pause: Duration,
}

impl<C: Connection, R: Runner> Agent<C, R> {
    /// An agent that reaches its server by `connection` and runs tasks with `runner`.
    pub fn new(connection: C, runner: R, profile: Profile) -> Self {
        Self {
            connection: Arc::new(connection),
            runner: Arc::new(runner),
            profile,
            agent_id: AgentId::fresh(),
            monitor: None,
            longest_pause: LONGEST_PAUSE,
        }
    }

    /// The same agent, that asks again after at most `longest_pause` while the server cannot be
    /// reached or refuses it; after 30 s otherwise.
    #[must_use]
    pub fn asking_again_after(self, longest_pause: Duration) -> Self {
        Self { longest_pause: longest_pause.max(FIRST_PAUSE), ..self }
    }

    /// The same agent, that also says every few seconds how its machine is.
    #[must_use]
    pub fn watching(self, monitor: Monitor) -> Self {
        Self { monitor: Some(monitor), ..self }
    }

    /// Works until told to stop; runs under way are stopped and given back.
    pub async fn run(&self, stop: CancellationToken) {
        let mut slots = JoinSet::new();
        if let Some(monitor) = self.monitor.clone() {
            let connection = Arc::clone(&self.connection);
            slots.spawn(monitor.run(connection, self.agent_id, stop.clone()));
        }
        for device in &self.profile.devices {
            for _ in 0..device.slots.max(1) {
                let slot = Slot {
                    connection: Arc::clone(&self.connection),
                    runner: Arc::clone(&self.runner),
                    claim: self.claim_request(device),
                    longest_pause: self.longest_pause,
                    stop: stop.clone(),
                };
                slots.spawn(slot.run());
            }
        }
        while slots.join_next().await.is_some() {}
    }

    fn claim_request(&self, device: &Device) -> ClaimRequest {
        let mut kinds = self.runner.kinds();
        if let Some(wanted) = &self.profile.kinds {
            kinds.retain(|it| wanted.contains(it));
        }
        ClaimRequest {
            agent_id: self.agent_id,
            name: self.profile.name.clone(),
            protocol: PROTOCOL_VERSION,
            kinds,
            engines: Vec::new(),
            wait_secs: WAIT_SECS,
            claim_id: None,
            device: device.name.clone(),
            slots: u32::try_from(device.slots.max(1)).unwrap_or(u32::MAX),
            models: Vec::new(),
            gpu_memory_bytes: device.gpu_memory_bytes,
            programs: self.runner.programs(),
        }
    }
}

/// One of the tasks an agent can run at once.
struct Slot<C, R> {
    connection: Arc<C>,
    runner: Arc<R>,
    claim: ClaimRequest,
    longest_pause: Duration,
    stop: CancellationToken,
}

impl<C: Connection, R: Runner> Slot<C, R> {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        let mut claim_id = ClaimId::fresh();
        loop {
            let claim = self.question(claim_id);
            let claimed = tokio::select! {
                () = self.stop.cancelled() => return,
                claimed = self.connection.claim(&claim) => claimed,
            };
            match claimed {
                Ok(lease) => {
                    pause = FIRST_PAUSE;
                    claim_id = ClaimId::fresh();
                    let Some(lease) = lease else { continue };
                    let granted = Granted { lease, device: claim.device };
                    attempt::run(&*self.connection, &self.runner, granted, &self.stop).await;
                }
                // The same question again: its answer may have been a task.
                Err(error) => {
                    pause = pause_after(&error, pause, self.longest_pause);
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(self.longest_pause);
                }
            }
        }
    }

    /// Weights may have come since the last question.
    fn question(&self, claim_id: ClaimId) -> ClaimRequest {
        let device = &self.claim.device;
        ClaimRequest {
            claim_id: Some(claim_id),
            engines: self.runner.engines(device),
            models: self.runner.models(device),
            ..self.claim.clone()
        }
    }
}

/// How long to wait after a claim that failed: a refusal will not change soon.
fn pause_after(error: &ConnectionError, pause: Duration, longest: Duration) -> Duration {
    let pause = match error {
        ConnectionError::Refused(_) => longest,
        ConnectionError::Stale | ConnectionError::Unreachable(_) | ConnectionError::Local(_) => {
            pause
        }
    };
    tracing::warn!(%error, pause_ms = pause.as_millis(), "asking for work");
    pause
}
