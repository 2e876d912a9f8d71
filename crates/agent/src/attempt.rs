//! One attempt at a task: fetch its inputs, run it, say that it lives, deliver.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use protocol::{
    id::Sha256,
    lease::{Heartbeat, HeartbeatReply, Lease},
    sentence,
    task::{FailureClass, MaskSoFar, Progress, TaskFailure},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::{Connection, ConnectionError, Input},
    delivery::{deliver, give_up},
    output_log::{self, OutputLog},
    runner::{Assignment, Control, RunError, RunOutput, RunSoFar, Runner},
};

/// Progress is sent on at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(150);

/// Pause after an unanswered message.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A task, and the device that is to compute it.
pub(crate) struct Granted {
    pub(crate) lease: Lease,
    pub(crate) device: String,
}

/// Runs one attempt to its end, whatever the end is.
pub(crate) async fn run<C: Connection, R: Runner>(
    connection: &C,
    runner: &Arc<R>,
    granted: Granted,
    stop: &CancellationToken,
) {
    let (task_id, fence) = (granted.lease.task_id, granted.lease.fence);
    let lease = granted.lease.clone();
    let control = Arc::new(Progression {
        said: watch::Sender::new((Progress::default(), None)),
        log: OutputLog::default(),
        cancelled: CancellationToken::new(),
    });
    let _stop_on_drop = StopOnDrop(Arc::clone(&control));
    let told = match work(connection, runner, granted, &control, stop).await {
        Ok(output) => deliver_alive(connection, &lease, &control, output, stop).await,
        Err(RunError::Stopped) => {
            give_up(connection, task_id, fence, stopped_because(stop), stop).await
        }
        Err(RunError::Failed(failure)) => {
            give_up(connection, task_id, fence, Some(failure), stop).await
        }
    };
    if let Err(error) = told {
        tracing::warn!(%task_id, %error, "reporting the end of an attempt");
    }
}

/// Delivers, and says meanwhile that the task goes on: a large output may take longer than a lease.
/// The files of a program whose task was withdrawn or lost are not sent to their end; a mask is small,
/// and of a withdrawn propagation it is kept.
async fn deliver_alive<C: Connection>(
    connection: &C,
    lease: &Lease,
    control: &Progression,
    output: RunOutput,
    stop: &CancellationToken,
) -> Result<(), ConnectionError> {
    let is_mask = matches!(output, RunOutput::Mask(_));
    let delivering = deliver(connection, lease.task_id, lease.fence, output, stop);
    // A small output is there before that matters.
    let pulse = async {
        tokio::time::sleep(ASK_AGAIN).await;
        keep_alive(connection, lease, control).await;
    };
    tokio::pin!(delivering);
    tokio::select! {
        told = &mut delivering => return told,
        () = pulse => {}
    }
    if is_mask {
        return delivering.await;
    }
    give_up(connection, lease.task_id, lease.fence, None, stop).await
}

/// A task stopped because its agent stops may be run by another one; a withdrawn one may not.
fn stopped_because(stop: &CancellationToken) -> Option<TaskFailure> {
    stop.is_cancelled().then(|| {
        TaskFailure::new(FailureClass::Retryable, "agent_stopped", sentence::agent_stopped())
    })
}

/// What the run says and what it is told.
struct Progression {
    said: watch::Sender<(Progress, Option<RunSoFar>)>,
    log: OutputLog,
    cancelled: CancellationToken,
}

impl Control for Progression {
    fn progress(&self, progress: Progress) {
        self.said.send_modify(|(it, _)| *it = progress);
    }

    fn partial(&self, so_far: RunSoFar) {
        self.said.send_modify(|(_, it)| *it = Some(so_far));
    }

    fn log(&self, text: &str) {
        self.log.say(text);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }
}

impl Progression {
    /// How far the run has come, and what it has made since this was asked last.
    fn news(&self) -> (Progress, Option<RunSoFar>) {
        let mut news = (Progress::default(), None);
        self.said.send_if_modified(|(progress, so_far)| {
            news = (progress.clone(), so_far.take());
            false
        });
        news
    }
}

/// A mask so far that the server has.
type Delivered = Option<(Sha256, MaskSoFar)>;

/// Stops the run when its attempt is dropped: nobody would take what it makes.
struct StopOnDrop(Arc<Progression>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.cancel();
    }
}

async fn work<C: Connection, R: Runner>(
    connection: &C,
    runner: &Arc<R>,
    granted: Granted,
    control: &Arc<Progression>,
    stop: &CancellationToken,
) -> Result<RunOutput, RunError> {
    let Granted { lease, device } = granted;
    let limit = Duration::from_millis(u64::try_from(lease.time_limit_ms).unwrap_or(0));
    let pulse = keep_alive(connection, &lease, control);
    let telling = output_log::tell(connection, lease.task_id, lease.fence, &control.log);
    let run = async {
        let inputs = tokio::select! {
            inputs = fetch_inputs(connection, &lease) => inputs?,
            () = control.cancelled.cancelled() => return Err(RunError::Stopped),
        };
        let granted = Granted { lease: lease.clone(), device };
        let outcome = run_blocking(runner, control, granted, inputs).await;
        output_log::tell_rest(connection, lease.task_id, lease.fence, &control.log).await;
        outcome
    };
    let time_is_up = tokio::time::sleep(limit);
    tokio::pin!(run, pulse, telling, time_is_up);
    let mut is_timed_out = false;
    loop {
        tokio::select! {
            outcome = &mut run => {
                if matches!(outcome, Err(RunError::Stopped)) {
                    tell_the_rest(connection, &lease, control).await;
                }
                return if is_timed_out { Err(timed_out(&lease, limit)) } else { outcome };
            }
            // The pulse ends when the task is withdrawn or lost: the run stops at its next breath.
            () = &mut pulse, if !control.is_cancelled() => {
                control.cancelled.cancel();
            }
            // Never over: what is left is told when the run is.
            () = &mut telling => {}
            () = stop.cancelled(), if !control.is_cancelled() => {
                control.cancelled.cancel();
            }
            () = &mut time_is_up, if !is_timed_out => {
                is_timed_out = true;
                control.cancelled.cancel();
            }
        }
    }
}

fn timed_out(lease: &Lease, limit: Duration) -> RunError {
    let remedy = match lease.spec.external() {
        Some(_) => sentence::faster_program(),
        None => sentence::smaller_range(),
    };
    let message = sentence::task_too_long(limit.as_secs());
    RunError::Failed(TaskFailure::new(FailureClass::TimedOut, "timed_out", message).remedy(remedy))
}

async fn fetch_inputs<C: Connection>(
    connection: &C,
    lease: &Lease,
) -> Result<BTreeMap<Sha256, Input>, RunError> {
    let unfetched = |error: ConnectionError| {
        let class = match error {
            ConnectionError::Stale => return RunError::Stopped,
            ConnectionError::Refused(_) => FailureClass::Permanent,
            ConnectionError::Unreachable(_) | ConnectionError::Local(_) => FailureClass::Retryable,
        };
        let message = sentence::input_unavailable(error.to_string());
        RunError::Failed(TaskFailure::new(class, "input_unavailable", message))
    };
    let mut inputs = BTreeMap::new();
    for sha256 in lease.spec.inputs() {
        if !inputs.contains_key(sha256) {
            let input = connection.fetch(lease.task_id, lease.fence, sha256).await;
            inputs.insert(sha256.clone(), input.map_err(unfetched)?);
        }
    }
    Ok(inputs)
}

async fn run_blocking<R: Runner>(
    runner: &Arc<R>,
    control: &Arc<Progression>,
    granted: Granted,
    inputs: BTreeMap<Sha256, Input>,
) -> Result<RunOutput, RunError> {
    let paths = inputs.iter().map(|(name, it)| (name.clone(), it.path.clone())).collect();
    let assignment = Assignment { lease: granted.lease, device: granted.device, inputs: paths };
    let (runner, control) = (Arc::clone(runner), Arc::clone(control));
    let ran = tokio::task::spawn_blocking(move || runner.run(&assignment, &*control)).await;
    // The inputs' files live until here.
    drop(inputs);
    ran.unwrap_or_else(|panic| {
        let message = sentence::engine_crashed(panic.to_string());
        Err(RunError::Failed(
            TaskFailure::new(FailureClass::Crashed, "engine_crashed", message)
                .remedy(sentence::report_crash()),
        ))
    })
}

/// Says that the task goes on until it is withdrawn or lost. News goes beside the heartbeat whose
/// answer the server holds, and neither is cut off for the other: a server forgets what it had begun
/// for a sender that hangs up, the renewal of the lease, too.
async fn keep_alive<C: Connection>(connection: &C, lease: &Lease, control: &Progression) {
    tokio::select! {
        () = renew(connection, lease, control) => {}
        () = tell_news(connection, lease, control) => {}
    }
}

/// Renews the lease; the server holds its answers until the task is withdrawn.
async fn renew<C: Connection>(connection: &C, lease: &Lease, control: &Progression) {
    let wait_ms = u32::try_from(lease.heartbeat_ms).unwrap_or(u32::MAX);
    loop {
        let progress = control.said.borrow().0.clone();
        let heartbeat = heartbeat(lease, progress, wait_ms, None);
        let answer = connection.heartbeat(lease.task_id, &heartbeat).await;
        if is_over(&answer) {
            return;
        }
        if answer.is_err() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

/// Tells how far the run has come, and what it has made so far. The sender lives as long as the
/// attempt does.
async fn tell_news<C: Connection>(connection: &C, lease: &Lease, control: &Progression) {
    let mut said = control.said.subscribe();
    let mut delivered = None;
    while said.changed().await.is_ok() {
        let (progress, so_far) = control.news();
        delivered = deliver_partial(connection, lease, so_far).await.or(delivered);
        let heartbeat = heartbeat(lease, progress, 0, delivered.clone());
        let answer = connection.heartbeat(lease.task_id, &heartbeat).await;
        if is_over(&answer) {
            return;
        }
        if answer.is_err() {
            said.mark_changed();
            tokio::time::sleep(ASK_AGAIN).await;
        } else {
            tokio::time::sleep(PROGRESS_EVERY).await;
        }
    }
}

/// Whether the task is withdrawn or lost.
fn is_over(answer: &Result<HeartbeatReply, ConnectionError>) -> bool {
    match answer {
        Ok(it) => it.cancel,
        Err(error) => matches!(error, ConnectionError::Stale),
    }
}

fn heartbeat(lease: &Lease, progress: Progress, wait_ms: u32, delivered: Delivered) -> Heartbeat {
    let (partial, so_far) = delivered.unzip();
    Heartbeat { fence: lease.fence, progress, wait_ms, partial, so_far: so_far.map(Box::new) }
}

/// Tells what a run that was stopped made since the last heartbeat: the server keeps it. Whoever has
/// lost the lease is not heard, and nothing is missed then.
async fn tell_the_rest<C: Connection>(connection: &C, lease: &Lease, control: &Progression) {
    let (progress, so_far) = control.news();
    let delivered = deliver_partial(connection, lease, so_far).await;
    if delivered.is_some() {
        let heartbeat = heartbeat(lease, progress, 0, delivered);
        if let Err(error) = connection.heartbeat(lease.task_id, &heartbeat).await {
            tracing::debug!(task_id = %lease.task_id, %error, "telling what was made last");
        }
    }
}

/// Uploads the mask so far; one that cannot be uploaded is not missed.
async fn deliver_partial<C: Connection>(
    connection: &C,
    lease: &Lease,
    so_far: Option<RunSoFar>,
) -> Delivered {
    let RunSoFar { mask, known } = so_far?;
    let delivered = connection.deliver(lease.task_id, lease.fence, mask.into()).await;
    Some((delivered.ok()?, known))
}
