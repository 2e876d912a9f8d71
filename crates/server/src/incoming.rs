//! Bytes on their way in: streamed to a temporary file while they are hashed.

use std::path::Path;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use protocol::id::Sha256;
use sha2::Digest;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

/// A stream did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// It holds more than the limit.
    #[error("the file is larger than the limit of {limit_bytes} bytes (MAX_UPLOAD)")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The sender stopped.
    #[error("the transfer broke off: {0}")]
    BrokenOff(String),
    /// The disk failed.
    #[error("writing the upload: {0}")]
    Io(#[from] std::io::Error),
}

/// A file that has arrived.
#[derive(Debug)]
pub struct Incoming {
    /// Where it lies; removed when this is dropped.
    pub file: NamedTempFile,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// How many.
    pub bytes: u64,
}

/// Writes a stream to a temporary file in `folder`. Where the disk fails, the rest is read and thrown
/// away: a sender that is cut off would never see the answer that says why.
///
/// # Errors
/// If it breaks off, holds more than `limit_bytes`, or the disk fails; nothing stays behind.
pub async fn receive<S, E>(
    folder: &Path,
    mut stream: S,
    limit_bytes: u64,
) -> Result<Incoming, IncomingError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    let file = NamedTempFile::new_in(folder)?;
    let mut writer = tokio::fs::File::from_std(file.reopen()?);
    let mut hasher = sha2::Sha256::new();
    let (mut bytes, mut failure): (u64, Option<std::io::Error>) = (0, None);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|it| IncomingError::BrokenOff(it.to_string()))?;
        bytes += chunk.len() as u64;
        if bytes > limit_bytes {
            return Err(IncomingError::TooLarge { limit_bytes });
        }
        if failure.is_none() {
            hasher.update(&chunk);
            failure = writer.write_all(&chunk).await.err();
        }
    }
    if let Some(error) = failure {
        return Err(error.into());
    }
    writer.flush().await?;
    Ok(Incoming { file, sha256: Sha256::from_digest(hasher.finalize().into()), bytes })
}
