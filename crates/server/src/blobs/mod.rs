//! Blobs: bytes under the name of their SHA-256, written once, never changed.
//!
//! A blob is first a temporary file on the same file system; it appears under its name by a rename
//! after its bytes are on the disk, so that no reader ever sees half of one. Before a process reads
//! a blob for the first time, and whenever size or time of its file have changed since, its bytes
//! are hashed: a damaged one is an error that names it, never a picture or a mask.

mod bucket;
mod folder;

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use protocol::{id::Sha256, sentence::Line};
use sha2::Digest;
use tempfile::NamedTempFile;

pub use bucket::Bucket;
pub use folder::Folder;

/// Bytes of a file that are read and hashed at once.
const PART_BYTES: usize = 1 << 20;

/// A blob could not be written, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No blob has this name.
    #[error("no stored file has the SHA-256 {0}")]
    Missing(Sha256),
    /// What lies in the storage is no longer what was put there.
    #[error("the stored file {sha256} is damaged: {reason}")]
    Damaged {
        /// Its name.
        sha256: Sha256,
        /// What is wrong with it.
        reason: Line,
    },
    /// The bytes that arrived are not those the name says.
    #[error("the bytes have the SHA-256 {got}, not {expected}")]
    WrongDigest {
        /// The name.
        expected: Sha256,
        /// What the bytes say.
        got: Sha256,
    },
    /// Another server has the folder.
    #[error("another voxloop server uses the folder {0}: stop it, or choose another folder")]
    InUse(PathBuf),
    /// The disk failed.
    #[error("storage: {0}")]
    Io(#[from] std::io::Error),
    /// The object storage failed.
    #[error("object storage: {0}")]
    Bucket(#[from] object_store::Error),
    /// The storage address cannot be used.
    #[error("OBJECT_STORE_URL `{url}`: {reason}")]
    Address {
        /// As configured.
        url: String,
        /// What is wrong.
        reason: String,
    },
}

/// A blob as it lies in the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name.
    pub sha256: Sha256,
    /// Its size.
    pub bytes: u64,
    /// How long ago it was written.
    pub age: Duration,
}

/// Where blobs are kept.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Takes a finished temporary file under the name of its bytes. A second time changes nothing,
    /// unless the stored blob is damaged: then the good bytes take its place.
    ///
    /// # Errors
    /// If the storage fails.
    async fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> Result<(), BlobError>;

    /// A local file with the blob's bytes, which are those its name says.
    ///
    /// # Errors
    /// If there is no such blob, it is damaged, or the storage fails.
    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError>;

    /// How many bytes a blob has.
    ///
    /// # Errors
    /// If there is no such blob, or the storage fails.
    async fn size(&self, sha256: &Sha256) -> Result<u64, BlobError>;

    /// Reads a blob from end to end where it lies; keeps nothing and changes nothing.
    ///
    /// # Errors
    /// If there is no such blob, it is damaged, or the storage fails.
    async fn verify(&self, sha256: &Sha256) -> Result<(), BlobError>;

    /// Removes a blob, if it is there.
    ///
    /// # Errors
    /// If the storage fails.
    async fn remove(&self, sha256: &Sha256) -> Result<(), BlobError>;

    /// Every blob there is.
    ///
    /// # Errors
    /// If the storage fails.
    async fn list(&self) -> Result<Vec<StoredBlob>, BlobError>;

    /// The folder for temporary files: one that `keep` can rename out of.
    fn temporary(&self) -> &Path;
}

/// Writes `bytes` as a blob and returns its name.
///
/// # Errors
/// If the storage fails.
pub async fn keep_bytes(store: &dyn BlobStore, bytes: Bytes) -> Result<Sha256, BlobError> {
    let sha256 = digest(&bytes);
    let folder = store.temporary().to_owned();
    let file = tokio::task::spawn_blocking(move || {
        use std::io::Write as _;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        Ok::<_, std::io::Error>(file)
    })
    .await
    .map_err(std::io::Error::other)??;
    store.keep(file, &sha256).await?;
    Ok(sha256)
}

/// The name of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> Sha256 {
    Sha256::from_digest(sha2::Sha256::digest(bytes).into())
}

/// The name of a file's content, and how many bytes it has.
///
/// # Errors
/// If it cannot be read.
pub fn digest_of_file(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut part = vec![0; PART_BYTES];
    let mut n_bytes: u64 = 0;
    loop {
        match file.read(&mut part)? {
            0 => return Ok((Sha256::from_digest(hasher.finalize().into()), n_bytes)),
            n => {
                hasher.update(&part[..n]);
                n_bytes += n as u64;
            }
        }
    }
}

/// Reads a small blob whole.
///
/// # Errors
/// If there is no such blob, it is damaged, or the storage fails.
pub async fn read(store: &dyn BlobStore, sha256: &Sha256) -> Result<Vec<u8>, BlobError> {
    let path = store.open(sha256).await?;
    Ok(tokio::fs::read(path).await?)
}
