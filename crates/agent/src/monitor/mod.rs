//! Says every few seconds how this machine is: processors, memory, disk, GPUs and what runs on them.
//!
//! It stands apart from the leases of tasks: a machine that is silent here loses nothing, and a task's
//! heartbeat does not wait for a slow driver.

mod machine;
mod nvidia;

use std::{path::PathBuf, sync::Arc, time::Duration};

use protocol::{device::DeviceHeartbeat, id::AgentId};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, ConnectionError};

use machine::Machine;
use nvidia::Nvidia;

/// A heartbeat that takes longer is given up: the next one says more.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a monitor is to do.
#[derive(Debug, Clone)]
pub struct Monitor {
    /// The machine's name for people.
    pub host_id: String,
    /// Time between heartbeats.
    pub every: Duration,
    /// Where tasks are computed: the disk of this folder is shown.
    pub folder: PathBuf,
    /// Version of the agent.
    pub version: String,
}

impl Monitor {
    /// Speaks until told to stop.
    pub(crate) async fn run<C: Connection>(
        self,
        connection: Arc<C>,
        agent_id: AgentId,
        stop: CancellationToken,
    ) {
        let mut machine = Machine::new(self.folder.clone());
        let mut nvidia = Nvidia::default();
        let mut tick = tokio::time::interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_heard = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let heartbeat = tokio::select! {
                () = stop.cancelled() => return,
                it = self.heartbeat(&mut machine, &mut nvidia, agent_id) => it,
            };
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                heard = tokio::time::timeout(PATIENCE, connection.beat(&heartbeat)) => heard,
            };
            let late = ConnectionError::Unreachable("it takes too long to answer".to_owned());
            let heard = heard.unwrap_or(Err(late));
            say_once(&heard, was_heard);
            was_heard = heard.is_ok();
        }
    }

    async fn heartbeat(
        &self,
        machine: &mut Machine,
        nvidia: &mut Nvidia,
        agent_id: AgentId,
    ) -> DeviceHeartbeat {
        let gpus = nvidia.look().await;
        let mut readings = machine.look().await;
        readings.gpus = gpus;
        readings.version = Some(self.version.clone());
        DeviceHeartbeat {
            host_id: Some(self.host_id.clone()),
            agent_id: Some(agent_id),
            readings,
            ..DeviceHeartbeat::default()
        }
    }
}

/// A server that is away for an hour is said once.
fn say_once(heard: &Result<(), ConnectionError>, was_heard: bool) {
    let error = heard.as_ref().err().map(ToString::to_string);
    if was_heard == error.is_some() {
        tracing::info!(error, "whether the server hears how this machine is");
    }
}

/// GB of 2³⁰ bytes, to the megabyte.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn gigabytes(bytes: u64) -> f64 {
    ((bytes >> 20) as f64 / 1024.0 * 1000.0).round() / 1000.0
}
