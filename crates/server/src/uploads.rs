//! Outputs that arrive piece by piece: what has arrived stays, so that an agent goes on after a cut
//! where the file ends.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use protocol::id::{Sha256, TaskId};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use crate::{
    blobs::{self, BlobError},
    error::ApiError,
    incoming::{Incoming, IncomingError},
    state::Server,
};

/// How long what arrived of an output waits for the rest.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A piece of an output.
#[derive(Debug, Clone)]
pub struct OutputPiece {
    /// The task.
    pub task_id: TaskId,
    /// The fence of its lease.
    pub fence: i64,
    /// The whole output's digest.
    pub sha256: Sha256,
    /// Bytes before this piece.
    pub offset: u64,
    /// Nothing follows.
    pub is_last: bool,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// All of so many bytes were delivered.
    Whole(u64),
    /// So many bytes are here; more is to come.
    SoFar(u64),
    /// So many bytes are here, and the piece does not go on there: nothing was taken.
    Elsewhere(u64),
}

/// Who writes which unfinished file: the newest connection, since an older one may be dead without
/// the server knowing.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    turns: Mutex<HashMap<PathBuf, Turn>>,
}

#[derive(Debug, Clone, Default)]
struct Turn {
    /// Told to leave when another one comes.
    leave: CancellationToken,
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Uploads {
    /// Asks whoever writes `path` to leave; the gate is open once they have.
    fn next(&self, path: &Path) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, it| Arc::strong_count(&it.gate) > 1);
        let turn = turns.entry(path.to_owned()).or_default();
        turn.leave.cancel();
        turn.leave = CancellationToken::new();
        turn.clone()
    }
}

impl Server {
    /// How much of an output is here.
    ///
    /// # Errors
    /// If the fence is stale.
    pub async fn delivered_so_far(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
    ) -> Result<Appended, ApiError> {
        self.leased(task_id, fence).await?;
        // Whoever still writes is cut off: what is counted here must stay as it is. What has arrived
        // whole is waited for until it is stored.
        let path = self.unfinished(task_id, sha256);
        let turn = self.uploads.next(&path);
        let _alone = turn.gate.lock().await;
        if self.store.is_delivered(task_id, sha256).await? {
            return Ok(Appended::Whole(self.blobs.size(sha256).await?));
        }
        Ok(Appended::SoFar(size(&path).await?))
    }

    /// Takes a piece of an output; the last one completes it.
    ///
    /// # Errors
    /// If the fence is stale, the piece breaks off or is too large, the disk fails, or the whole is
    /// not what its name says. What arrived before stays, but for the last case.
    pub async fn append_output<S, E>(
        &self,
        piece: &OutputPiece,
        stream: S,
    ) -> Result<Appended, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send + 'static,
        E: std::fmt::Display + Send,
    {
        self.leased(piece.task_id, piece.fence).await?;
        let path = self.unfinished(piece.task_id, &piece.sha256);
        let turn = self.uploads.next(&path);
        let mine = Arc::clone(&turn.gate).lock_owned().await;
        let before = size(&path).await?;
        if before != piece.offset {
            return Ok(Appended::Elsewhere(before));
        }
        // In a task of its own: a request whose sender hangs up is dropped at once. A write that it had
        // begun would meet those of the next one, and what had arrived whole would be hashed and
        // stored again and again for a sender that does not wait so long.
        let (server, piece) = (self.clone(), piece.clone());
        let appending = tokio::spawn(async move {
            let appended = server.append_rest(&piece, before, stream, &turn.leave).await;
            drop(mine);
            appended
        });
        appending.await?
    }

    /// Writes a piece behind the first `before` bytes, and stores the output where that was the last.
    async fn append_rest<S, E>(
        &self,
        piece: &OutputPiece,
        before: u64,
        stream: S,
        leave: &CancellationToken,
    ) -> Result<Appended, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: std::fmt::Display + Send,
    {
        let path = self.unfinished(piece.task_id, &piece.sha256);
        let limit = self.settings.max_upload_bytes;
        let arrived = append(&path, stream, limit.saturating_sub(before), leave).await;
        let bytes = before + arrived.map_err(|it| of_limit(it, limit))?;
        if !piece.is_last {
            return Ok(Appended::SoFar(bytes));
        }
        let whole = whole(&path).await?;
        self.put_output(piece.task_id, piece.fence, &piece.sha256, whole).await?;
        Ok(Appended::Whole(bytes))
    }

    /// Where an output lies until it is whole.
    fn unfinished(&self, task_id: TaskId, sha256: &Sha256) -> PathBuf {
        self.unfinished_folder().join(format!("{task_id}.{sha256}"))
    }

    fn unfinished_folder(&self) -> PathBuf {
        self.blobs.temporary().join("outputs")
    }

    /// Removes what arrived of a task's outputs: it has ended.
    pub(crate) async fn forget_unfinished(&self, task_id: TaskId) {
        let prefix = format!("{task_id}.");
        self.remove_unfinished(move |name, _| name.starts_with(&prefix)).await;
    }

    /// Removes what arrived of outputs whose rest did not come in a day.
    pub(crate) async fn sweep_unfinished(&self) {
        self.remove_unfinished(|_, age| age > KEPT).await;
    }

    async fn remove_unfinished(
        &self,
        is_done_with: impl Fn(&str, Duration) -> bool + Send + 'static,
    ) {
        let folder = self.unfinished_folder();
        let removed = tokio::task::spawn_blocking(move || {
            let entries = match std::fs::read_dir(folder) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                other => other?,
            };
            for entry in entries {
                let entry = entry?;
                let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
                if is_done_with(&entry.file_name().to_string_lossy(), age) {
                    std::fs::remove_file(entry.path())?;
                }
            }
            Ok::<_, std::io::Error>(())
        });
        if let Ok(Err(error)) = removed.await {
            tracing::warn!(%error, "removing unfinished outputs");
        }
    }
}

/// The limit that counts is that of the whole.
fn of_limit(error: IncomingError, limit_bytes: u64) -> IncomingError {
    match error {
        IncomingError::TooLarge { .. } => IncomingError::TooLarge { limit_bytes },
        IncomingError::BrokenOff(_) | IncomingError::Io(_) => error,
    }
}

async fn size(path: &Path) -> Result<u64, BlobError> {
    match tokio::fs::metadata(path).await {
        Ok(it) => Ok(it.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Writes a stream behind what is in the file, until it is told to leave; returns how many bytes came.
/// Where the disk fails, nothing of the file is left: it would keep a full disk full. The rest is read
/// and thrown away, so that the sender sees the answer that says why.
async fn append<S, E>(
    path: &Path,
    mut stream: S,
    room: u64,
    leave: &CancellationToken,
) -> Result<u64, IncomingError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
    let (mut bytes, mut failure): (u64, Option<std::io::Error>) = (0, None);
    loop {
        let next = tokio::select! {
            next = stream.next() => next.map(|it| it.map_err(|it| it.to_string())),
            () = leave.cancelled() => Some(Err("another connection goes on with it".to_owned())),
        };
        let chunk = match next {
            Some(Ok(it)) => it,
            Some(Err(reason)) => {
                file.flush().await?;
                return Err(IncomingError::BrokenOff(reason));
            }
            None => break,
        };
        bytes += chunk.len() as u64;
        if bytes > room {
            return Err(IncomingError::TooLarge { limit_bytes: room });
        }
        if failure.is_none() {
            failure = file.write_all(&chunk).await.err();
            empty_after(failure.as_ref(), &file).await?;
        }
    }
    if failure.is_none() {
        failure = file.flush().await.err();
        empty_after(failure.as_ref(), &file).await?;
    }
    failure.map_or(Ok(bytes), |it| Err(it.into()))
}

async fn empty_after(
    failure: Option<&std::io::Error>,
    file: &tokio::fs::File,
) -> std::io::Result<()> {
    if failure.is_some() { file.set_len(0).await } else { Ok(()) }
}

/// The finished file. It is gone from its place, whatever becomes of it: one whose bytes are wrong
/// would be wrong for ever.
async fn whole(path: &Path) -> Result<Incoming, BlobError> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let (sha256, bytes) = blobs::digest_of_file(&path)?;
        let file = std::fs::File::open(&path)?;
        let file = NamedTempFile::from_parts(file, TempPath::try_from_path(path)?);
        Ok(Incoming { file, sha256, bytes })
    })
    .await
    .map_err(std::io::Error::other)?
}
