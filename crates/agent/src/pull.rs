//! The pull loop: ask for work, work, ask again.

use std::{sync::Arc, time::Duration};

use protocol::{
    id::AgentId,
    lease::{ClaimRequest, PROTOCOL_VERSION},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    attempt,
    connection::{Connection, ConnectionError},
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
    /// Tasks at once.
    pub slots: usize,
}

/// A process that claims tasks and runs them.
pub struct Agent<C, R> {
    connection: Arc<C>,
    runner: Arc<R>,
    profile: Profile,
    agent_id: AgentId,
}

impl<C: Connection, R: Runner> Agent<C, R> {
    /// An agent that reaches its server by `connection` and runs tasks with `runner`.
    pub fn new(connection: C, runner: R, profile: Profile) -> Self {
        Self {
            connection: Arc::new(connection),
            runner: Arc::new(runner),
            profile,
            agent_id: AgentId::fresh(),
        }
    }

    /// Works until told to stop; runs under way are stopped and given back.
    pub async fn run(&self, stop: CancellationToken) {
        let mut slots = JoinSet::new();
        for _ in 0..self.profile.slots.max(1) {
            let slot = Slot {
                connection: Arc::clone(&self.connection),
                runner: Arc::clone(&self.runner),
                claim: self.claim_request(),
                stop: stop.clone(),
            };
            slots.spawn(slot.run());
        }
        while slots.join_next().await.is_some() {}
    }

    fn claim_request(&self) -> ClaimRequest {
        ClaimRequest {
            agent_id: self.agent_id,
            name: self.profile.name.clone(),
            protocol: PROTOCOL_VERSION,
            kinds: self.runner.kinds(),
            engines: self.runner.engines(),
            wait_secs: WAIT_SECS,
        }
    }
}

/// One of the tasks an agent can run at once.
struct Slot<C, R> {
    connection: Arc<C>,
    runner: Arc<R>,
    claim: ClaimRequest,
    stop: CancellationToken,
}

impl<C: Connection, R: Runner> Slot<C, R> {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            // Weights may have come since the last claim.
            let claim = ClaimRequest { engines: self.runner.engines(), ..self.claim.clone() };
            let claimed = tokio::select! {
                () = self.stop.cancelled() => return,
                claimed = self.connection.claim(&claim) => claimed,
            };
            match claimed {
                Ok(Some(lease)) => {
                    pause = FIRST_PAUSE;
                    attempt::run(&*self.connection, &self.runner, lease, &self.stop).await;
                }
                Ok(None) => pause = FIRST_PAUSE,
                Err(error) => {
                    pause = pause_after(&error, pause);
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

/// How long to wait after a claim that failed: a refusal will not change soon.
fn pause_after(error: &ConnectionError, pause: Duration) -> Duration {
    let pause = match error {
        ConnectionError::Refused(_) => LONGEST_PAUSE,
        ConnectionError::Stale | ConnectionError::Unreachable(_) => pause,
    };
    tracing::warn!(%error, pause_ms = pause.as_millis(), "asking for work");
    pause
}
