//! Inputs on their way here: into the cache, going on after a cut where the file ends.

use std::{
    io,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;
use protocol::id::{Sha256, TaskId};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_RANGE, IF_RANGE, RANGE},
};
use tokio::io::AsyncWriteExt;

use crate::{
    cache::{Cache, Held, Part, Start},
    connection::{ConnectionError, Input},
    http::{Http, accepted, unreachable},
};

/// How long to wait before looking again whether another agent has it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Pause after the first, the second … failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A transfer of which nothing comes for so long is begun anew; another agent's is not waited for.
const STALLED: Duration = Duration::from_secs(20);

/// Failures in a row, without a byte in between, after which the attempt is given up.
const MAX_FAILURES: u32 = 16;

/// How often an input may arrive whole and wrong.
const MAX_WRONG: u32 = 2;

/// Fetches an input of a task, or finds it in the cache.
pub(crate) async fn fetch(
    http: &Http,
    task_id: TaskId,
    fence: i64,
    sha256: &Sha256,
) -> Result<Input, ConnectionError> {
    let url = http.url(&format!("tasks/{task_id}/inputs/{sha256}?fence={fence}"));
    let (mut n_wrong, mut neighbour) = (0, Neighbour::default());
    loop {
        let part = match start(&http.cache, sha256).await? {
            Start::Whole(held) => return Ok(Input::of(held)),
            Start::Mine(part) => part,
            Start::Theirs(bytes) if !neighbour.has_stopped(bytes, Instant::now()) => {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            Start::Theirs(_) => start_apart(&http.cache, sha256).await?,
        };
        download(http, &url, sha256, &part).await?;
        if let Some(held) = finish(&http.cache, part).await? {
            return Ok(Input::of(held));
        }
        n_wrong += 1;
        if n_wrong == MAX_WRONG {
            return Err(ConnectionError::Unreachable(format!(
                "the input {sha256} arrived as something else, {MAX_WRONG} times"
            )));
        }
    }
}

/// Another agent's download: one that is stopped holds its lock for ever.
#[derive(Debug, Default)]
struct Neighbour {
    /// Bytes that it had, and since when it has had no other number of them.
    grown: Option<(u64, Instant)>,
}

impl Neighbour {
    /// Whether it, with so many bytes now, has not grown for too long.
    fn has_stopped(&mut self, bytes: u64, now: Instant) -> bool {
        match self.grown {
            Some((before, since)) if before == bytes => now.duration_since(since) >= STALLED,
            Some(_) | None => {
                self.grown = Some((bytes, now));
                false
            }
        }
    }
}

async fn start(cache: &Cache, sha256: &Sha256) -> Result<Start, ConnectionError> {
    let (cache, sha256) = (cache.clone(), sha256.clone());
    blocking(move || cache.start(&sha256)).await
}

async fn start_apart(cache: &Cache, sha256: &Sha256) -> Result<Part, ConnectionError> {
    let (cache, sha256) = (cache.clone(), sha256.clone());
    blocking(move || cache.start_apart(&sha256)).await
}

async fn finish(cache: &Cache, part: Part) -> Result<Option<Held>, ConnectionError> {
    let cache = cache.clone();
    blocking(move || cache.finish(&part)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ConnectionError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other);
    done.and_then(|it| it).map_err(|it| ConnectionError::disk(&it))
}

/// Fetches what is missing, over as many connections as it takes while bytes come.
async fn download(
    http: &Http,
    url: &str,
    sha256: &Sha256,
    part: &Part,
) -> Result<(), ConnectionError> {
    let (mut n_failures, mut pause) = (0, FIRST_PAUSE);
    loop {
        let before = length(part)?;
        let failure = match ask(http, url, sha256, before).await {
            Ok(response) => match take(http, response, part, before).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
            Err(error) => error,
        };
        let ConnectionError::Unreachable(reason) = failure else { return Err(failure) };
        if length(part)? > before {
            (n_failures, pause) = (0, FIRST_PAUSE);
        }
        n_failures += 1;
        if n_failures > MAX_FAILURES {
            return Err(ConnectionError::Unreachable(reason));
        }
        tracing::debug!(%sha256, reason, "an input is asked for again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Asks for what comes after the first `before` bytes.
async fn ask(
    http: &Http,
    url: &str,
    sha256: &Sha256,
    before: u64,
) -> Result<Response, ConnectionError> {
    let mut request = http.client.get(url);
    if before > 0 {
        request = request
            .header(RANGE, format!("bytes={before}-"))
            .header(IF_RANGE, format!("\"{sha256}\""));
    }
    let response = request.send().await.map_err(unreachable)?;
    if before > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // Nothing is missing, or what is here is too long: its digest will tell.
        return Ok(response);
    }
    accepted(response).await
}

/// Writes an answer behind what is there.
async fn take(
    http: &Http,
    response: Response,
    part: &Part,
    before: u64,
) -> Result<(), ConnectionError> {
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(());
    }
    let disk = |it: io::Error| ConnectionError::disk(&it);
    if before > 0 && !goes_on_at(&response, before) {
        part.empty().map_err(disk)?;
    }
    let mut file = tokio::fs::File::from_std(part.writer().map_err(disk)?);
    let mut chunks = response.bytes_stream();
    let outcome = loop {
        let next = tokio::time::timeout(STALLED, chunks.next()).await;
        let Ok(next) = next else {
            let seconds = STALLED.as_secs();
            break Err(ConnectionError::Unreachable(format!("nothing came for {seconds} s")));
        };
        match next {
            Some(Ok(chunk)) => {
                if let Err(error) = write(http, &mut file, &chunk).await {
                    // The half that is here would keep the disk full, for everybody.
                    part.empty().map_err(disk)?;
                    return Err(disk(error));
                }
            }
            Some(Err(error)) => break Err(unreachable(error)),
            None => break Ok(()),
        }
    };
    file.flush().await.map_err(disk)?;
    outcome
}

/// Whether the answer is the part that begins at byte `before`.
fn goes_on_at(response: &Response, before: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|it| it.to_str().ok());
    response.status() == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|it| it.starts_with(&format!("bytes {before}-")))
}

/// Writes to the disk; where that is full, what the cache can spare makes room.
async fn write(http: &Http, file: &mut tokio::fs::File, chunk: &Bytes) -> io::Result<()> {
    let before = file.metadata().await?.len();
    let written = async {
        file.write_all(chunk).await?;
        file.flush().await
    };
    let Err(error) = written.await else { return Ok(()) };
    if !matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Err(error);
    }
    let cache = http.cache.clone();
    tokio::task::spawn_blocking(move || cache.make_room(0)).await.map_err(io::Error::other)??;
    file.set_len(before).await?;
    file.write_all(chunk).await?;
    file.flush().await
}

fn length(part: &Part) -> Result<u64, ConnectionError> {
    part.length().map_err(|it| ConnectionError::disk(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_waited_for_while_it_gets_on() {
        let (mut neighbour, start) = (Neighbour::default(), Instant::now());
        let mut has_stopped =
            |bytes, second| neighbour.has_stopped(bytes, start + Duration::from_secs(second));
        assert!(!has_stopped(0, 0));
        assert!(!has_stopped(0, 19));
        assert!(!has_stopped(9, 20), "it has grown");
        assert!(!has_stopped(9, 39));
        assert!(has_stopped(9, 40));
        assert!(!has_stopped(0, 41), "somebody begins anew");
    }
}
