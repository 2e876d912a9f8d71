//! The end of an attempt on its way to the server: what it made, or why it made nothing.

use std::time::Duration;

use bytes::Bytes;
use protocol::{
    external::{ExternalOutput, OutputFile},
    id::TaskId,
    lease::{CompleteRequest, FailRequest},
    sentence,
    task::{FailureClass, TaskFailure, TaskOutput},
};
use tokio_util::sync::CancellationToken;

use crate::{
    connection::{Connection, ConnectionError},
    runner::{MaskOutput, ProgramOutput, RunOutput, WrittenFile},
};

/// Pause after an unanswered message.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How often a finished result is offered to a server that does not answer.
const MAX_OFFERS: u32 = 240;

/// Delivers what a run made, and completes its task.
pub(crate) async fn deliver<C: Connection>(
    connection: &C,
    task_id: TaskId,
    fence: i64,
    output: RunOutput,
    stop: &CancellationToken,
) -> Result<(), ConnectionError> {
    let delivered = match output {
        RunOutput::Mask(mask) => deliver_mask(connection, task_id, fence, *mask, stop).await,
        RunOutput::Program(made) => deliver_files(connection, task_id, fence, made, stop).await,
    };
    let completed = match delivered {
        Ok(request) => until_answered(stop, || connection.complete(task_id, &request)).await,
        Err(error) => Err(error),
    };
    match completed {
        Err(ConnectionError::Refused(reason)) => {
            let message = sentence::output_refused(reason);
            let failure = TaskFailure::new(FailureClass::Permanent, "output_refused", message);
            give_up(connection, task_id, fence, Some(failure), stop).await
        }
        Err(ConnectionError::Local(reason)) => {
            let failure = TaskFailure::new(FailureClass::Retryable, "agent_disk", reason);
            give_up(connection, task_id, fence, Some(failure), stop).await
        }
        other => other,
    }
}

async fn deliver_mask<C: Connection>(
    connection: &C,
    task_id: TaskId,
    fence: i64,
    output: MaskOutput,
    stop: &CancellationToken,
) -> Result<CompleteRequest, ConnectionError> {
    let mask = Bytes::from(output.mask);
    let mask = until_answered(stop, || connection.deliver(task_id, fence, mask.clone())).await?;
    let output = TaskOutput {
        mask,
        extent: output.extent,
        slices: output.slices,
        doubt: output.doubt,
        engine: output.engine,
        engine_ms: output.engine_ms,
    };
    Ok(CompleteRequest { fence, output: Some(output), external: None })
}

async fn deliver_files<C: Connection>(
    connection: &C,
    task_id: TaskId,
    fence: i64,
    made: ProgramOutput,
    stop: &CancellationToken,
) -> Result<CompleteRequest, ConnectionError> {
    let mut files = Vec::with_capacity(made.files.len());
    for file in made.files {
        let sha256 =
            until_answered(stop, || connection.deliver_file(task_id, fence, &file.path)).await?;
        let WrittenFile { name, size, media_type, .. } = file;
        files.push(OutputFile { name, sha256, size, media_type });
    }
    let external = Some(ExternalOutput { result: made.result, files });
    Ok(CompleteRequest { fence, output: None, external })
}

/// Ends the attempt without output.
pub(crate) async fn give_up<C: Connection>(
    connection: &C,
    task_id: TaskId,
    fence: i64,
    failure: Option<TaskFailure>,
    stop: &CancellationToken,
) -> Result<(), ConnectionError> {
    let request = FailRequest { fence, failure };
    until_answered(stop, || connection.fail(task_id, &request)).await
}

/// Asks again while the server cannot be reached: finished work is not thrown away. An agent that is
/// told to stop does not wait for a server that is gone.
async fn until_answered<T, F>(
    stop: &CancellationToken,
    ask: impl Fn() -> F,
) -> Result<T, ConnectionError>
where
    F: Future<Output = Result<T, ConnectionError>>,
{
    for _ in 0..MAX_OFFERS {
        let answer = ask().await;
        if !matches!(answer, Err(ConnectionError::Unreachable(_))) || stop.is_cancelled() {
            return answer;
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
    ask().await
}
