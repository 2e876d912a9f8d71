//! Blobs: bytes under the name of their SHA-256, written once, never changed.
//!
//! A blob is first a temporary file on the same file system; it appears under its name by a rename
//! after its bytes are on the disk, so that no reader ever sees half of one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use protocol::id::Sha256;
use sha2::Digest;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;

/// A blob could not be written, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No blob has this name.
    #[error("no stored file has the SHA-256 {0}")]
    Missing(Sha256),
    /// The bytes are not those the name says.
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
    /// Takes a finished temporary file under the name of its bytes. A second time changes nothing.
    ///
    /// # Errors
    /// If the storage fails.
    async fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> Result<(), BlobError>;

    /// A local file with the blob's bytes.
    ///
    /// # Errors
    /// If there is no such blob, or the storage fails.
    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError>;

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

/// Reads a small blob whole.
///
/// # Errors
/// If there is no such blob, or the storage fails.
pub async fn read(store: &dyn BlobStore, sha256: &Sha256) -> Result<Vec<u8>, BlobError> {
    let path = store.open(sha256).await?;
    Ok(tokio::fs::read(path).await?)
}

/// Blobs in a folder of this machine.
#[derive(Debug)]
pub struct Folder {
    blobs: PathBuf,
    temporary: PathBuf,
    /// Held as long as the folder is used: unfinished files of a living server are not removed.
    _lock: std::fs::File,
}

impl Folder {
    /// Uses `root/blobs` for blobs and `root/incoming` for files on their way in. Removes what an
    /// earlier process left unfinished.
    ///
    /// # Errors
    /// If the folders cannot be made or written.
    pub fn new(root: &Path) -> Result<Self, BlobError> {
        let (blobs, temporary) = (root.join("blobs"), root.join("incoming"));
        std::fs::create_dir_all(&blobs)?;
        let lock = std::fs::File::create(root.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(BlobError::InUse(root.to_owned()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        empty_folder(&temporary)?;
        Ok(Self { blobs, temporary, _lock: lock })
    }

    fn path(&self, sha256: &Sha256) -> PathBuf {
        self.blobs.join(&sha256.as_str()[..2]).join(sha256.as_str())
    }
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
        let path = self.path(sha256);
        tokio::task::spawn_blocking(move || {
            if path.exists() {
                return Ok(());
            }
            let folder = path.parent().unwrap_or(&path);
            std::fs::create_dir_all(folder)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|it| it.error)?;
            // The rename itself must survive a power cut too. Windows cannot open a folder.
            if cfg!(unix) {
                std::fs::File::open(folder)?.sync_all()?;
                std::fs::File::open(folder.parent().unwrap_or(folder))?.sync_all()?;
            }
            Ok(())
        })
        .await
        .map_err(std::io::Error::other)?
    }

    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError> {
        let path = self.path(sha256);
        if tokio::fs::try_exists(&path).await? {
            Ok(path)
        } else {
            Err(BlobError::Missing(sha256.clone()))
        }
    }

    async fn remove(&self, sha256: &Sha256) -> Result<(), BlobError> {
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
                for entry in std::fs::read_dir(folder?.path())? {
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

/// Bytes of one part of an upload to a bucket.
const PART_BYTES: usize = 8 << 20;

/// Blobs in an S3-compatible bucket, with a local folder that holds those in use.
#[derive(Debug)]
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    prefix: object_store::path::Path,
    local: Folder,
}

impl Bucket {
    /// Uses the bucket at `s3://bucket/prefix`. `options` are the usual `AWS_…` settings
    /// (`AWS_ENDPOINT`, `AWS_ACCESS_KEY_ID` …).
    ///
    /// # Errors
    /// If the address is not understood or `local` cannot be written.
    pub fn new(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
        local: &Path,
    ) -> Result<Self, BlobError> {
        let address = |reason: String| BlobError::Address { url: url.to_owned(), reason };
        let (bucket, prefix) = url
            .strip_prefix("s3://")
            .map(|it| it.split_once('/').unwrap_or((it, "")))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| address("expected s3://bucket or s3://bucket/prefix".to_owned()))?;
        let mut builder = object_store::aws::AmazonS3Builder::new().with_bucket_name(bucket);
        for (key, value) in options {
            if let Ok(key) = key.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        let objects = builder.build().map_err(|it| address(it.to_string()))?;
        Ok(Self {
            objects: Arc::new(objects),
            prefix: object_store::path::Path::from(prefix),
            local: Folder::new(local)?,
        })
    }

    fn key(&self, sha256: &Sha256) -> object_store::path::Path {
        self.prefix.clone().join("blobs").join(&sha256.as_str()[..2]).join(sha256.as_str())
    }
}

#[async_trait]
impl BlobStore for Bucket {
    async fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> Result<(), BlobError> {
        let upload = self.objects.put_multipart(&self.key(sha256)).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut reader = tokio::fs::File::open(file.path()).await?;
        let mut part = vec![0; 1 << 20];
        loop {
            let n_bytes = reader.read(&mut part).await?;
            if n_bytes == 0 {
                break;
            }
            writer.wait_for_capacity(4).await?;
            writer.write(&part[..n_bytes]);
        }
        writer.finish().await?;
        self.local.keep(file, sha256).await
    }

    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError> {
        if let Ok(path) = self.local.open(sha256).await {
            return Ok(path);
        }
        let object = match self.objects.get(&self.key(sha256)).await {
            Err(object_store::Error::NotFound { .. }) => {
                return Err(BlobError::Missing(sha256.clone()));
            }
            other => other?,
        };
        let folder = self.local.temporary().to_owned();
        let incoming = crate::incoming::receive(&folder, object.into_stream(), u64::MAX).await;
        let incoming = incoming.map_err(|it| BlobError::Io(std::io::Error::other(it)))?;
        if incoming.sha256 != *sha256 {
            return Err(BlobError::WrongDigest { expected: sha256.clone(), got: incoming.sha256 });
        }
        self.local.keep(incoming.file, sha256).await?;
        self.local.open(sha256).await
    }

    async fn remove(&self, sha256: &Sha256) -> Result<(), BlobError> {
        match self.objects.delete(&self.key(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.local.remove(sha256).await
    }

    async fn list(&self) -> Result<Vec<StoredBlob>, BlobError> {
        let prefix = self.prefix.clone().join("blobs");
        let objects: Vec<_> = self.objects.list(Some(&prefix)).try_collect().await?;
        let now = std::time::SystemTime::now();
        Ok(objects
            .into_iter()
            .filter_map(|it| {
                Some(StoredBlob {
                    sha256: it.location.filename()?.parse().ok()?,
                    bytes: it.size,
                    age: now.duration_since(it.last_modified.into()).unwrap_or_default(),
                })
            })
            .collect())
    }

    fn temporary(&self) -> &Path {
        self.local.temporary()
    }
}
