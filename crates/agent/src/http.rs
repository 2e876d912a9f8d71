//! A server reached by HTTP: only outgoing requests, through the proxies the environment names.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use protocol::{
    access::{EnrolRequest, Enrolled},
    id::{Sha256, TaskId},
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
    system::ErrorBody,
};
use reqwest::{
    Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Digest;
use tokio::{io::AsyncWriteExt, sync::watch};

use crate::connection::{Connection, ConnectionError, Input};

/// Time for a request beyond what the server may hold it.
const MARGIN: Duration = Duration::from_secs(30);

/// A connection to a server by HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    server: String,
    /// Where inputs are kept while they are needed.
    folder: PathBuf,
    /// Why the server does not take what this agent shows; none while it does.
    turned_away: watch::Sender<Option<String>>,
}

impl Http {
    /// A connection to `server` (`https://host` or `http://127.0.0.1:8000`) that keeps inputs in
    /// `folder` while they are needed, and shows `token` with every request.
    ///
    /// # Errors
    /// If the client's TLS cannot be set up, or the token does not fit into a header.
    pub fn new(
        server: &str,
        folder: PathBuf,
        token: Option<&str>,
    ) -> Result<Self, ConnectionError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|it| ConnectionError::Refused(format!("the token: {it}")))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(25) + MARGIN)
            .build()
            .map_err(unreachable)?;
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self { client, server, folder, turned_away: watch::Sender::new(None) })
    }

    /// Exchanges a join token for a credential of this agent's own.
    ///
    /// # Errors
    /// If the server cannot be reached, or the token opens nothing any more.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<Enrolled, ConnectionError> {
        parsed(self.post("agents/enrol", request).await?).await
    }

    /// Tells, once it happens, why the server does not take what this agent shows: a credential that
    /// was revoked stays so, and asking again would not help.
    #[must_use]
    pub fn turned_away(&self) -> watch::Receiver<Option<String>> {
        self.turned_away.subscribe()
    }

    /// An answer that is no refusal.
    async fn accepted(&self, response: Response) -> Result<Response, ConnectionError> {
        let is_about_us =
            matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let answer = accepted(response).await;
        if let Err(ConnectionError::Refused(reason)) = &answer
            && is_about_us
        {
            self.turned_away.send_replace(Some(reason.clone()));
        }
        answer
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.server)
    }

    async fn post<T: Serialize + Sync>(
        &self,
        path: &str,
        body: &T,
    ) -> Result<Response, ConnectionError> {
        let sent = self.client.post(self.url(path)).json(body).send().await;
        self.accepted(sent.map_err(unreachable)?).await
    }
}

fn unreachable(error: reqwest::Error) -> ConnectionError {
    ConnectionError::Unreachable(error.without_url().to_string())
}

async fn accepted(response: Response) -> Result<Response, ConnectionError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let error = response.json::<ErrorBody>().await.ok().map(|it| it.error);
    // A damaged file stays damaged; a full disk or a database that is gone may be well again.
    let stays = error.as_ref().is_some_and(|it| it.code.starts_with("blob_"));
    if (status.is_server_error() && !stays) || status == StatusCode::TOO_MANY_REQUESTS {
        let reason = error.map_or_else(|| format!("it answered {status}"), |it| it.message);
        return Err(ConnectionError::Unreachable(reason));
    }
    let is_gone = status == StatusCode::CONFLICT || status == StatusCode::NOT_FOUND;
    match error {
        Some(it) if is_gone && (it.code == "stale_fence" || it.code == "not_found") => {
            Err(ConnectionError::Stale)
        }
        Some(it) => Err(ConnectionError::Refused(it.message)),
        None => Err(ConnectionError::Refused(format!("it answered {status}"))),
    }
}

async fn parsed<T: DeserializeOwned>(response: Response) -> Result<T, ConnectionError> {
    response.json().await.map_err(unreachable)
}

#[async_trait]
impl Connection for Http {
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Lease>, ConnectionError> {
        let response = self.post("claims", request).await?;
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
        parsed(self.post(&format!("tasks/{task_id}/heartbeat"), heartbeat).await?).await
    }

    async fn fetch(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
    ) -> Result<Input, ConnectionError> {
        let disk = |it: std::io::Error| ConnectionError::Refused(format!("local disk: {it}"));
        let url = self.url(&format!("tasks/{task_id}/inputs/{sha256}?fence={fence}"));
        let sent = self.client.get(url).send().await;
        let response = self.accepted(sent.map_err(unreachable)?).await?;
        let file = tempfile::NamedTempFile::new_in(&self.folder).map_err(disk)?;
        let mut writer = tokio::fs::File::from_std(file.reopen().map_err(disk)?);
        let mut hasher = sha2::Sha256::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(unreachable)?;
            hasher.update(&chunk);
            writer.write_all(&chunk).await.map_err(disk)?;
        }
        writer.flush().await.map_err(disk)?;
        let got = Sha256::from_digest(hasher.finalize().into());
        if got != *sha256 {
            return Err(ConnectionError::Unreachable(format!(
                "the input {sha256} arrived as {got}"
            )));
        }
        Ok(Input { path: file.path().to_owned(), temporary: Some(file.into_temp_path()) })
    }

    async fn deliver(
        &self,
        task_id: TaskId,
        fence: i64,
        bytes: Bytes,
    ) -> Result<Sha256, ConnectionError> {
        let sha256 = Sha256::from_digest(sha2::Sha256::digest(&bytes).into());
        let url = self.url(&format!("tasks/{task_id}/outputs/{sha256}?fence={fence}"));
        let sent = self.client.put(url).body(bytes).send().await;
        self.accepted(sent.map_err(unreachable)?).await?;
        Ok(sha256)
    }

    async fn complete(
        &self,
        task_id: TaskId,
        request: &CompleteRequest,
    ) -> Result<(), ConnectionError> {
        self.post(&format!("tasks/{task_id}/complete"), request).await?;
        Ok(())
    }

    async fn fail(&self, task_id: TaskId, request: &FailRequest) -> Result<(), ConnectionError> {
        self.post(&format!("tasks/{task_id}/fail"), request).await?;
        Ok(())
    }
}
