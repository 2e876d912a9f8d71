//! A server reached by HTTP: only outgoing requests, through the proxies the environment names.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use protocol::{
    access::{EnrolRequest, Enrolled},
    device::DeviceHeartbeat,
    id::{Sha256, TaskId},
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
    output_log::{LogReply, LogRequest},
    system::ErrorBody,
};
use reqwest::{Response, StatusCode, header::LOCATION};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Digest;
use tokio::sync::watch;

use crate::{
    cache::Cache,
    connection::{Connection, ConnectionError, Input},
    fetch,
    reach::{self, Reach, ReachError},
    upload,
};

/// How long nothing may come of an answer: longer than the server may hold one.
const PATIENCE: Duration = Duration::from_secs(25 + 30);

/// How long a message may take that the server answers at once: one that was lost on the way is
/// soon sent again.
const SOON: Duration = Duration::from_secs(10);

/// How long a completion may take, for which a mask is merged.
const MERGED: Duration = Duration::from_secs(60);

/// The header by which the server says that an error is its own, and which.
const ERROR_CODE: &str = "voxloop-error";

/// A connection to a server by HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    pub(crate) client: reqwest::Client,
    reach: Reach,
    pub(crate) cache: Cache,
    /// Why the server does not take what this agent shows; none while it does.
    turned_away: watch::Sender<Option<String>>,
}

impl Http {
    /// A connection that keeps inputs in `cache` and shows `token` with every request.
    ///
    /// # Errors
    /// If the address, the token or the authorities cannot be used.
    pub fn new(reach: Reach, cache: Cache, token: Option<&str>) -> Result<Self, ReachError> {
        let client = reach.client(token, PATIENCE)?;
        Ok(Self { client, reach, cache, turned_away: watch::Sender::new(None) })
    }

    /// Exchanges a join token for a credential of this agent's own.
    ///
    /// # Errors
    /// If the server cannot be reached, or the token opens nothing any more.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<Enrolled, ConnectionError> {
        parsed(self.post("agents/enrol", request, SOON).await?).await
    }

    /// Tells, once it happens, why the server does not take what this agent shows: a credential that
    /// was revoked stays so, and asking again would not help.
    #[must_use]
    pub fn turned_away(&self) -> watch::Receiver<Option<String>> {
        self.turned_away.subscribe()
    }

    /// An answer that is no refusal.
    async fn accepted(&self, response: Response) -> Result<Response, ConnectionError> {
        let is_about_us = response.status() == StatusCode::UNAUTHORIZED;
        let answer = accepted(response).await;
        if let Err(ConnectionError::Refused(reason)) = &answer
            && is_about_us
        {
            self.turned_away.send_replace(Some(reason.clone()));
        }
        answer
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.reach.url(path)
    }

    async fn post<T: Serialize + Sync>(
        &self,
        path: &str,
        body: &T,
        within: Duration,
    ) -> Result<Response, ConnectionError> {
        let sent = self.client.post(self.url(path)).json(body).timeout(within).send().await;
        self.accepted(sent.map_err(unreachable)?).await
    }
}

pub(crate) fn unreachable(error: reqwest::Error) -> ConnectionError {
    ConnectionError::Unreachable(reach::cause(error))
}

/// An answer that does what was asked, or why it does not.
pub(crate) async fn accepted(response: Response) -> Result<Response, ConnectionError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status.is_redirection() {
        let to = response.headers().get(LOCATION).and_then(|it| it.to_str().ok());
        return Err(ConnectionError::Unreachable(format!(
            "it answered {status} and points to {}: an agent follows no pointer, name the server's \
             own address",
            to.unwrap_or("nowhere")
        )));
    }
    let said = response.headers().get(ERROR_CODE).and_then(|it| it.to_str().ok());
    let said = said.map(|it| (it.to_owned(), format!("it answered {status}: {it}")));
    // Cut off, the answer may have said anything.
    let body = response.bytes().await.map_err(unreachable)?;
    let error = serde_json::from_slice::<ErrorBody>(&body).ok().map(|it| it.error);
    // The answer to HEAD has no body that would say more.
    let Some((code, reason)) = error.map(|it| (it.code, it.message)).or(said) else {
        return Err(not_the_servers(status));
    };
    // A damaged file stays damaged; a full disk or a database that is gone may be well again.
    let stays = code.starts_with("blob_");
    if (status.is_server_error() && !stays) || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(ConnectionError::Unreachable(reason));
    }
    let is_gone = status == StatusCode::CONFLICT || status == StatusCode::NOT_FOUND;
    if is_gone && (code == "stale_fence" || code == "not_found") {
        return Err(ConnectionError::Stale);
    }
    Err(ConnectionError::Refused(reason))
}

/// What an answer says that is not the server's own. A proxy on the way is soon mended, or answers so
/// while the server starts; but what is too large for it stays so.
fn not_the_servers(status: StatusCode) -> ConnectionError {
    let reason = format!("it answered {status}, which is not the server's own answer");
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return ConnectionError::Refused(format!("{reason}: let the proxy take larger requests"));
    }
    ConnectionError::Unreachable(reason)
}

async fn parsed<T: DeserializeOwned>(response: Response) -> Result<T, ConnectionError> {
    response.json().await.map_err(unreachable)
}

#[async_trait]
impl Connection for Http {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Lease>, ConnectionError> {
        let wait = Duration::from_secs(request.wait_secs.into());
        let response = self.post("claims", request, wait + SOON).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        parsed(response).await.map(Some)
    }

    async fn heartbeat(
        &self,
        task_id: TaskId,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatReply, ConnectionError> {
        // An answer that is overdue was lost: the lease must not end for that. News renews nothing
        // that the heartbeat beside it does not renew, and may take its time.
        let wait = Duration::from_millis(heartbeat.wait_ms.into());
        let slack = match heartbeat.wait_ms {
            0 => SOON,
            _ => (wait / 2).clamp(Duration::from_secs(1), SOON),
        };
        let within = wait + slack;
        let path = format!("tasks/{task_id}/heartbeat");
        parsed(self.post(&path, heartbeat, within).await?).await
    }

    async fn log(
        &self,
        task_id: TaskId,
        request: &LogRequest,
    ) -> Result<LogReply, ConnectionError> {
        parsed(self.post(&format!("tasks/{task_id}/log"), request, SOON).await?).await
    }

    async fn fetch(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
    ) -> Result<Input, ConnectionError> {
        fetch::fetch(self, task_id, fence, sha256).await
    }

    async fn deliver(
        &self,
        task_id: TaskId,
        fence: i64,
        bytes: Bytes,
    ) -> Result<Sha256, ConnectionError> {
        let sha256 = Sha256::from_digest(sha2::Sha256::digest(&bytes).into());
        let url = self.url(&format!("tasks/{task_id}/outputs/{sha256}?fence={fence}"));
        upload::bytes(&self.client, &url, bytes).await?;
        Ok(sha256)
    }

    async fn deliver_file(
        &self,
        task_id: TaskId,
        fence: i64,
        path: &Path,
    ) -> Result<Sha256, ConnectionError> {
        let (sha256, length) = upload::digest(path).await?;
        let url = self.url(&format!("tasks/{task_id}/outputs/{sha256}?fence={fence}"));
        upload::file(&self.client, &url, path, length).await?;
        Ok(sha256)
    }

    async fn complete(
        &self,
        task_id: TaskId,
        request: &CompleteRequest,
    ) -> Result<(), ConnectionError> {
        self.post(&format!("tasks/{task_id}/complete"), request, MERGED).await?;
        Ok(())
    }

    async fn fail(&self, task_id: TaskId, request: &FailRequest) -> Result<(), ConnectionError> {
        self.post(&format!("tasks/{task_id}/fail"), request, SOON).await?;
        Ok(())
    }

    async fn beat(&self, heartbeat: &DeviceHeartbeat) -> Result<(), ConnectionError> {
        let url = self.reach.address("/api/devices/heartbeat");
        let sent = self.client.post(url).json(heartbeat).timeout(SOON).send().await;
        self.accepted(sent.map_err(unreachable)?).await?;
        Ok(())
    }
}
