//! Outputs on their way to the server: small ones at once, others so that a cut costs only what was
//! under way.

use std::{io, path::Path};

use bytes::Bytes;
use protocol::id::Sha256;
use reqwest::{Body, Client, Response, StatusCode};
use tokio::io::AsyncSeekExt;
use tokio_util::io::ReaderStream;

use crate::{
    cache,
    connection::ConnectionError,
    http::{accepted, unreachable},
};

/// Up to this size an output is sent whole; a second try costs less than asking what arrived.
const SMALL: usize = 1 << 20;

/// How often the server may want another part than the one that was sent.
const MAX_TURNS: u32 = 4;

/// Where an output comes from.
enum Source<'a> {
    Bytes(Bytes),
    File(&'a Path),
}

impl Source<'_> {
    /// What comes after the first `offset` bytes.
    async fn rest(&self, offset: u64) -> io::Result<Body> {
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(start..).into())
            }
            Self::File(path) => {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(io::SeekFrom::Start(offset)).await?;
                Ok(Body::wrap_stream(ReaderStream::new(file)))
            }
        }
    }
}

/// Sends `bytes` to `url`.
pub(crate) async fn bytes(client: &Client, url: &str, bytes: Bytes) -> Result<(), ConnectionError> {
    if bytes.len() <= SMALL {
        let sent = client.put(url).body(bytes).send().await;
        accepted(sent.map_err(unreachable)?).await?;
        return Ok(());
    }
    resumed(client, url, &Source::Bytes(bytes)).await
}

/// Sends a file of `length` bytes to `url`.
pub(crate) async fn file(
    client: &Client,
    url: &str,
    path: &Path,
    length: u64,
) -> Result<(), ConnectionError> {
    if length <= SMALL as u64 {
        let bytes = tokio::fs::read(path).await.map_err(|it| ConnectionError::disk(&it))?;
        return self::bytes(client, url, bytes.into()).await;
    }
    resumed(client, url, &Source::File(path)).await
}

/// Digest and size of a file.
pub(crate) async fn digest(path: &Path) -> Result<(Sha256, u64), ConnectionError> {
    let path = path.to_owned();
    let done = tokio::task::spawn_blocking(move || cache::digest_of_file(&path)).await;
    done.map_err(io::Error::other).and_then(|it| it).map_err(|it| ConnectionError::disk(&it))
}

/// Sends what the server does not have. Where what it had was no part of this output, it has thrown
/// that away, and everything is sent.
async fn resumed(client: &Client, url: &str, source: &Source<'_>) -> Result<(), ConnectionError> {
    let Some(mut offset) = asked(client, url).await? else { return Ok(()) };
    for _ in 0..MAX_TURNS {
        let answer = send(client, url, offset, source).await?;
        offset = match answer.status() {
            StatusCode::UNPROCESSABLE_ENTITY if offset > 0 => 0,
            StatusCode::CONFLICT => match offset_of(&answer) {
                Some(it) => it,
                None => return accepted(answer).await.map(drop),
            },
            _ => return accepted(answer).await.map(drop),
        };
    }
    Err(ConnectionError::Unreachable("the server wants ever other parts of an output".to_owned()))
}

/// From which byte on the server wants it, as its answer says.
fn offset_of(answer: &Response) -> Option<u64> {
    answer.headers().get("upload-offset")?.to_str().ok()?.parse().ok()
}

/// From which byte on the server wants it; none where it has everything.
async fn asked(client: &Client, url: &str) -> Result<Option<u64>, ConnectionError> {
    let response = accepted(client.head(url).send().await.map_err(unreachable)?).await?;
    if response.headers().get("upload-complete").is_some_and(|it| it == "?1") {
        return Ok(None);
    }
    Ok(Some(offset_of(&response).unwrap_or(0)))
}

async fn send(
    client: &Client,
    url: &str,
    offset: u64,
    source: &Source<'_>,
) -> Result<Response, ConnectionError> {
    let body = source.rest(offset).await.map_err(|it| ConnectionError::disk(&it))?;
    let request = client.patch(url).header("upload-offset", offset).header("upload-complete", "?1");
    request.body(body).send().await.map_err(unreachable)
}
