//! An attempt as its server sees it: what is said while a run goes on, and how it ends.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is the answer")]

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agent::{
    Agent, Device, Profile,
    connection::{Connection, ConnectionError, Input},
    program::Program,
    runner::{Assignment, Control, RunError, RunOutput, Runner},
};
use async_trait::async_trait;
use bytes::Bytes;
use protocol::{
    device::DeviceHeartbeat,
    id::{Sha256, TaskId},
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
    output_log::{LogReply, LogRequest},
    task::{EngineName, FailureClass, Progress, TaskKind},
};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Renewals after which the server withdraws the task.
const ENOUGH: usize = 4;

/// An attempt that has not ended by then never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with one task.
#[derive(Default)]
struct Clerk {
    is_granted: AtomicBool,
    /// Messages of the log that came.
    heard: watch::Sender<usize>,
    /// The log as it came.
    log: Mutex<String>,
    /// Heartbeats that were answered.
    renewals: Mutex<Vec<Heartbeat>>,
    /// Heartbeats that were cut off before they were answered.
    cut_off: Mutex<usize>,
    ended: watch::Sender<Option<FailRequest>>,
}

/// A heartbeat on its way.
struct Beat<'a> {
    clerk: &'a Clerk,
    is_done: bool,
}

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        let is_withdrawn = self.clerk.renewals.lock().unwrap().len() >= ENOUGH;
        if !self.is_done && !is_withdrawn {
            *self.clerk.cut_off.lock().unwrap() += 1;
        }
    }
}

/// How the agent's tests reach a [`Clerk`].
#[derive(Clone)]
struct Counter(Arc<Clerk>);

#[async_trait]
impl Connection for Counter {
    async fn claim(&self, _request: &ClaimRequest) -> Result<Option<Lease>, ConnectionError> {
        if self.0.is_granted.swap(true, Ordering::SeqCst) {
            return std::future::pending().await;
        }
        let lease = json!({
            "task_id": "00000000-0000-7000-8000-000000000001", "fence": 1, "lease_ms": 30_000,
            "heartbeat_ms": 10_000, "time_limit_ms": 600_000,
            "spec": { "kind": "external", "program": "lab", "arguments": {}, "inputs": [] },
        });
        Ok(Some(serde_json::from_value(lease).unwrap()))
    }

    /// A disk that is slow: while a renewal is written, there is time for two messages of the log.
    async fn heartbeat(
        &self,
        _task_id: TaskId,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatReply, ConnectionError> {
        let mut beat = Beat { clerk: &self.0, is_done: false };
        let until = *self.0.heard.borrow() + 2;
        self.0.heard.subscribe().wait_for(|it| *it >= until).await.unwrap();
        beat.is_done = true;
        let mut renewals = self.0.renewals.lock().unwrap();
        renewals.push(heartbeat.clone());
        Ok(HeartbeatReply { lease_ms: 30_000, cancel: renewals.len() >= ENOUGH })
    }

    async fn log(
        &self,
        _task_id: TaskId,
        request: &LogRequest,
    ) -> Result<LogReply, ConnectionError> {
        self.0.heard.send_modify(|it| *it += 1);
        let n_heard = *self.0.heard.borrow();
        let offset = {
            let mut log = self.0.log.lock().unwrap();
            let known = log.len() - usize::try_from(request.offset).unwrap();
            log.push_str(&request.text[known.min(request.text.len())..]);
            log.len() as u64
        };
        // Every other answer is slow: what is asked meanwhile could be answered earlier.
        for _ in 0..(n_heard % 2) * 500 {
            tokio::task::yield_now().await;
            assert_eq!(*self.0.heard.borrow(), n_heard, "one message at a time");
        }
        Ok(LogReply { offset, full: false })
    }

    async fn fetch(
        &self,
        _task_id: TaskId,
        _fence: i64,
        sha256: &Sha256,
    ) -> Result<Input, ConnectionError> {
        panic!("the task has no input {sha256}")
    }

    async fn deliver(
        &self,
        _task_id: TaskId,
        _fence: i64,
        _bytes: Bytes,
    ) -> Result<Sha256, ConnectionError> {
        panic!("the run makes no mask")
    }

    /// The agent's disk fails while a file is read.
    async fn deliver_file(
        &self,
        _task_id: TaskId,
        _fence: i64,
        path: &Path,
    ) -> Result<Sha256, ConnectionError> {
        assert!(path.is_file());
        Err(ConnectionError::Local("the disk is gone".to_owned()))
    }

    async fn complete(
        &self,
        _task_id: TaskId,
        _request: &CompleteRequest,
    ) -> Result<(), ConnectionError> {
        panic!("nothing was delivered")
    }

    async fn fail(&self, _task_id: TaskId, request: &FailRequest) -> Result<(), ConnectionError> {
        self.0.ended.send_replace(Some(request.clone()));
        Ok(())
    }

    async fn beat(&self, _heartbeat: &DeviceHeartbeat) -> Result<(), ConnectionError> {
        Ok(())
    }
}

/// Runs the one task; returns how its attempt ended.
async fn attempt(clerk: &Arc<Clerk>, runner: impl Runner) -> FailRequest {
    let device = Device::new("cpu", 1);
    let profile = Profile { name: "lab".to_owned(), kinds: None, devices: vec![device] };
    let agent = Agent::new(Counter(Arc::clone(clerk)), runner, profile);
    let stop = CancellationToken::new();
    let mut ended = clerk.ended.subscribe();
    let ending = async {
        let failed = ended.wait_for(Option::is_some).await.unwrap().clone();
        stop.cancel();
        failed.unwrap()
    };
    let both = async { tokio::join!(agent.run(stop.clone()), ending) };
    let ((), failed) = tokio::time::timeout(PATIENCE, both).await.expect("it has an end");
    failed
}

/// Says without pause how far it is, and a word for its log whenever the last one was heard, until it
/// is told to stop.
struct Talker(Arc<Clerk>);

impl Runner for Talker {
    fn kinds(&self) -> Vec<TaskKind> {
        vec![TaskKind::External]
    }

    fn engines(&self, _device: &str) -> Vec<EngineName> {
        Vec::new()
    }

    fn run(&self, _assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        let (mut done, mut said) = (0, 0);
        while !control.is_cancelled() {
            done += 1;
            control.progress(Progress { done, total: u32::MAX, stage: "talking".to_owned() });
            if said == *self.0.heard.borrow() {
                control.log("word\n");
                said += 1;
            }
            std::thread::yield_now();
        }
        Err(RunError::Stopped)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn news_cuts_off_no_renewal_of_the_lease() {
    let clerk = Arc::new(Clerk::default());
    let failed = attempt(&clerk, Talker(Arc::clone(&clerk))).await;
    assert_eq!(failed.failure, None, "it was withdrawn");
    assert_eq!(*clerk.cut_off.lock().unwrap(), 0);
    let renewals = clerk.renewals.lock().unwrap();
    assert!(renewals.iter().any(|it| it.wait_ms == 0 && it.progress.done > 0), "news was told");
    assert!(renewals.iter().any(|it| it.wait_ms > 0), "and somebody listens for the withdrawal");
}

/// A program that writes a file.
struct Lab(Program);

impl Runner for Lab {
    fn kinds(&self) -> Vec<TaskKind> {
        vec![TaskKind::External]
    }

    fn engines(&self, _device: &str) -> Vec<EngineName> {
        Vec::new()
    }

    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        Ok(RunOutput::Program(self.0.run(assignment, control)?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_the_agents_disk_lost_is_made_by_another_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let script = "sh -c 'echo 1 > $VOXLOOP_FOLDER/out/file'";
    let lab = Program::new(script, Some("lab"), folder.path().join("programs"), 1 << 20).unwrap();
    let failure = attempt(&Arc::default(), Lab(lab)).await.failure.unwrap();
    assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Retryable, "agent_disk"));
    assert!(failure.message.contains("the disk is gone"), "{}", failure.message);
}

/// Says much at once, and fails.
struct Shouter(Arc<Clerk>);

fn shouted() -> impl Iterator<Item = String> {
    (0..40_000).map(|n| format!("line {n} of many, long enough to fill more than one message\n"))
}

impl Runner for Shouter {
    fn kinds(&self) -> Vec<TaskKind> {
        vec![TaskKind::External]
    }

    fn engines(&self, _device: &str) -> Vec<EngineName> {
        Vec::new()
    }

    fn run(&self, _assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        shouted().for_each(|line| control.log(&line));
        // What was said is on its way when the run ends.
        while *self.0.heard.borrow() == 0 {
            std::thread::yield_now();
        }
        Err(RunError::Stopped)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_run_that_says_much_before_its_end_is_whole() {
    let clerk = Arc::new(Clerk::default());
    attempt(&clerk, Shouter(Arc::clone(&clerk))).await;
    let log = clerk.log.lock().unwrap();
    assert_eq!(log.len(), shouted().map(|it| it.len()).sum::<usize>());
    assert!(*log == shouted().collect::<String>());
}
