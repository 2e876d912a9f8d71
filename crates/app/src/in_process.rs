//! The server's own agent: the same protocol, without a socket in between.

use std::path::Path;

use agent::connection::{Connection, ConnectionError, Input};
use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use protocol::{
    device::DeviceHeartbeat,
    id::{Sha256, TaskId},
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
    output_log::{LogReply, LogRequest},
};
use server::{error::ApiError, incoming, state::Server};
use tokio_util::io::ReaderStream;

/// A connection to the server in this process.
pub(crate) struct InProcess {
    server: Server,
}

impl InProcess {
    /// A connection to `server`.
    #[must_use]
    pub(crate) fn new(server: Server) -> Self {
        Self { server }
    }
}

impl InProcess {
    async fn take<S, E>(
        &self,
        task_id: TaskId,
        fence: i64,
        stream: S,
    ) -> Result<Sha256, ConnectionError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: std::fmt::Display + Send,
    {
        let incoming = incoming::receive(self.server.blobs.temporary(), stream, u64::MAX)
            .await
            .map_err(|it| refused(it.into()))?;
        let sha256 = incoming.sha256.clone();
        self.server.put_output(task_id, fence, &sha256, incoming).await.map_err(refused)?;
        Ok(sha256)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn refused(error: ApiError) -> ConnectionError {
    let detail = error.detail();
    if detail.code == "stale_fence" || detail.code == "not_found" {
        return ConnectionError::Stale;
    }
    // A damaged file stays damaged; a full disk or a database that is gone may be well again.
    if error.status().is_server_error() && !detail.code.starts_with("blob_") {
        return ConnectionError::Unreachable(detail.message.clone());
    }
    ConnectionError::Refused(detail.message.clone())
}

#[async_trait]
impl Connection for InProcess {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Lease>, ConnectionError> {
        self.server.claim_here(request).await.map_err(refused)
    }

    async fn heartbeat(
        &self,
        task_id: TaskId,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatReply, ConnectionError> {
        self.server.heartbeat(task_id, heartbeat.clone()).await.map_err(refused)
    }

    async fn log(
        &self,
        task_id: TaskId,
        request: &LogRequest,
    ) -> Result<LogReply, ConnectionError> {
        self.server.append_log(task_id, request).await.map_err(refused)
    }

    /// The blob's own file: nothing is copied.
    async fn fetch(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
    ) -> Result<Input, ConnectionError> {
        self.server.check_input(task_id, fence, sha256).await.map_err(refused)?;
        let path = self.server.blobs.open(sha256).await.map_err(|it| refused(it.into()))?;
        Ok(Input { path, held: None })
    }

    async fn deliver(
        &self,
        task_id: TaskId,
        fence: i64,
        bytes: Bytes,
    ) -> Result<Sha256, ConnectionError> {
        let stream = futures::stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
        self.take(task_id, fence, stream).await
    }

    async fn deliver_file(
        &self,
        task_id: TaskId,
        fence: i64,
        path: &Path,
    ) -> Result<Sha256, ConnectionError> {
        let local = |it: std::io::Error| ConnectionError::Local(it.to_string());
        let file = tokio::fs::File::open(path).await.map_err(local)?;
        self.take(task_id, fence, ReaderStream::new(file)).await
    }

    async fn complete(
        &self,
        task_id: TaskId,
        request: &CompleteRequest,
    ) -> Result<(), ConnectionError> {
        self.server.complete(task_id, request).await.map_err(refused)?;
        Ok(())
    }

    async fn fail(&self, task_id: TaskId, request: &FailRequest) -> Result<(), ConnectionError> {
        self.server.fail(task_id, request.clone()).await.map_err(refused)?;
        Ok(())
    }

    async fn beat(&self, heartbeat: &DeviceHeartbeat) -> Result<(), ConnectionError> {
        self.server.device_heard(heartbeat).await.map_err(refused)
    }
}
