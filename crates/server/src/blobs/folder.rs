//! Blobs in a folder of this machine, which one server has at a time.

use std::{
    collections::HashMap,
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use protocol::{id::Sha256, sentence};
use tempfile::NamedTempFile;

use super::{BlobError, BlobStore, StoredBlob};

/// The file whose lock says that a server uses the folder.
const LOCK: &str = "lock";

/// The file that says where the server listens that uses the folder. Not the lock itself: Windows
/// lets nobody else read a file that is locked.
const ADDRESS: &str = "address";

/// Size and time of a file whose bytes were found to be good.
type Stamp = (u64, SystemTime);

/// Blobs in a folder of this machine.
#[derive(Debug)]
pub struct Folder {
    blobs: PathBuf,
    temporary: PathBuf,
    /// Held as long as the folder is used: unfinished files of a living server are not removed.
    _lock: Option<std::fs::File>,
    /// Blobs that this process has hashed.
    good: Arc<Mutex<HashMap<Sha256, Stamp>>>,
}

impl Folder {
    /// Uses `root/blobs` for blobs and `root/incoming` for files on their way in. Removes what an
    /// earlier process left unfinished.
    ///
    /// # Errors
    /// If the folders cannot be made or written.
    pub fn new(root: &Path) -> Result<Self, BlobError> {
        let mut folder = Self::look(root);
        std::fs::create_dir_all(&folder.blobs)?;
        let lock = std::fs::File::create(root.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(BlobError::InUse(root.to_owned()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        // That of a server that is gone: somebody else may listen there by now.
        match std::fs::remove_file(root.join(ADDRESS)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        empty_folder(&folder.temporary)?;
        folder._lock = Some(lock);
        Ok(folder)
    }

    /// The same folder for looking only: makes nothing, removes nothing, and leaves it to whoever
    /// has it.
    #[must_use]
    pub fn look(root: &Path) -> Self {
        let (blobs, temporary) = (root.join("blobs"), root.join("incoming"));
        Self { blobs, temporary, _lock: None, good: Arc::default() }
    }

    /// Whether a server uses the folder `root`. Makes nothing.
    ///
    /// # Errors
    /// If the lock's file cannot be opened.
    pub fn is_in_use(root: &Path) -> std::io::Result<bool> {
        let lock = match std::fs::File::open(root.join(LOCK)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => Ok(true),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Says where the server listens that uses the folder `root`: whoever looks at the folder asks
    /// that one and no other.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn say_address(root: &Path, address: SocketAddr) -> std::io::Result<()> {
        std::fs::write(root.join(ADDRESS), address.to_string())
    }

    /// Where the server listens that uses the folder `root`; none where it has not said so yet. Of
    /// worth only while the folder is in use.
    #[must_use]
    pub fn address(root: &Path) -> Option<SocketAddr> {
        std::fs::read_to_string(root.join(ADDRESS)).ok()?.parse().ok()
    }

    fn path(&self, sha256: &Sha256) -> PathBuf {
        self.blobs.join(&sha256.as_str()[..2]).join(sha256.as_str())
    }

    /// Hashes a blob unless this process did so since its file last changed.
    async fn check(&self, sha256: &Sha256) -> Result<(), BlobError> {
        let (path, name, good) = (self.path(sha256), sha256.clone(), Arc::clone(&self.good));
        tokio::task::spawn_blocking(move || {
            let now = stamp(&path, &name)?;
            if known(&good).get(&name) == Some(&now) {
                return Ok(());
            }
            hash(&path, &name)?;
            known(&good).insert(name, now);
            Ok(())
        })
        .await
        .map_err(std::io::Error::other)?
    }
}

fn known(good: &Mutex<HashMap<Sha256, Stamp>>) -> MutexGuard<'_, HashMap<Sha256, Stamp>> {
    good.lock().unwrap_or_else(PoisonError::into_inner)
}

fn or_missing(error: std::io::Error, sha256: &Sha256) -> BlobError {
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
        BlobError::Missing(sha256.clone())
    } else {
        error.into()
    }
}

fn stamp(path: &Path, sha256: &Sha256) -> Result<Stamp, BlobError> {
    let metadata = std::fs::metadata(path).map_err(|it| or_missing(it, sha256))?;
    Ok((metadata.len(), metadata.modified()?))
}

/// Reads the file at `path` from end to end and compares it with its name.
fn hash(path: &Path, sha256: &Sha256) -> Result<(), BlobError> {
    let (got, bytes) = super::digest_of_file(path).map_err(|it| or_missing(it, sha256))?;
    if got == *sha256 {
        return Ok(());
    }
    let reason = sentence::other_bytes(bytes, got.as_str());
    Err(BlobError::Damaged { sha256: sha256.clone(), reason })
}

/// Makes a folder and removes whatever is in it: the unfinished files of a process that is gone.
fn empty_folder(folder: &Path) -> Result<(), BlobError> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[async_trait]
impl BlobStore for Folder {
    async fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> Result<(), BlobError> {
        match self.check(sha256).await {
            Ok(()) => return Ok(()),
            Err(BlobError::Missing(_)) => {}
            Err(error @ BlobError::Damaged { .. }) => {
                tracing::warn!(%error, "the same bytes arrived again and take its place");
            }
            Err(error) => return Err(error),
        }
        let (path, name, good) = (self.path(sha256), sha256.clone(), Arc::clone(&self.good));
        tokio::task::spawn_blocking(move || {
            let folder = path.parent().unwrap_or(&path);
            std::fs::create_dir_all(folder)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|it| it.error)?;
            // The rename itself must survive a power cut too. Windows cannot open a folder.
            if cfg!(unix) {
                std::fs::File::open(folder)?.sync_all()?;
                std::fs::File::open(folder.parent().unwrap_or(folder))?.sync_all()?;
            }
            // The name was made of these very bytes on their way in.
            let now = stamp(&path, &name)?;
            known(&good).insert(name, now);
            Ok(())
        })
        .await
        .map_err(std::io::Error::other)?
    }

    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError> {
        self.check(sha256).await?;
        Ok(self.path(sha256))
    }

    async fn size(&self, sha256: &Sha256) -> Result<u64, BlobError> {
        let found = tokio::fs::metadata(self.path(sha256)).await;
        Ok(found.map_err(|it| or_missing(it, sha256))?.len())
    }

    async fn verify(&self, sha256: &Sha256) -> Result<(), BlobError> {
        let (path, name) = (self.path(sha256), sha256.clone());
        tokio::task::spawn_blocking(move || hash(&path, &name))
            .await
            .map_err(std::io::Error::other)?
    }

    async fn remove(&self, sha256: &Sha256) -> Result<(), BlobError> {
        known(&self.good).remove(sha256);
        match tokio::fs::remove_file(self.path(sha256)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn list(&self) -> Result<Vec<StoredBlob>, BlobError> {
        let root = self.blobs.clone();
        tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for folder in std::fs::read_dir(root)? {
                let folder = folder?.path();
                // Whatever else somebody put there is none of ours.
                if !folder.is_dir() {
                    continue;
                }
                for entry in std::fs::read_dir(folder)? {
                    let entry = entry?;
                    let metadata = entry.metadata()?;
                    let age = metadata.modified()?.elapsed().unwrap_or_default();
                    if let Ok(sha256) = entry.file_name().to_string_lossy().parse() {
                        found.push(StoredBlob { sha256, bytes: metadata.len(), age });
                    }
                }
            }
            Ok(found)
        })
        .await
        .map_err(std::io::Error::other)?
    }

    fn temporary(&self) -> &Path {
        &self.temporary
    }
}
