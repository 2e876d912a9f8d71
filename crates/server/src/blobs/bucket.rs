//! Blobs in an S3-compatible bucket, with a local folder that holds those in use.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::TryStreamExt;
use object_store::{GetResult, ObjectStore, ObjectStoreExt, WriteMultipart};
use protocol::{id::Sha256, sentence};
use sha2::Digest;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;

use super::{BlobError, BlobStore, Folder, StoredBlob};

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
        Self::connect(url, options, Folder::new(local)?)
    }

    /// The same bucket for looking only: makes nothing and leaves `local` to whoever has it.
    ///
    /// # Errors
    /// If the address is not understood.
    pub fn look(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
        local: &Path,
    ) -> Result<Self, BlobError> {
        Self::connect(url, options, Folder::look(local))
    }

    fn connect(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
        local: Folder,
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
            local,
        })
    }

    async fn get(&self, sha256: &Sha256) -> Result<GetResult, BlobError> {
        match self.objects.get(&self.key(sha256)).await {
            Err(object_store::Error::NotFound { .. }) => Err(BlobError::Missing(sha256.clone())),
            other => Ok(other?),
        }
    }

    fn key(&self, sha256: &Sha256) -> object_store::path::Path {
        self.prefix.clone().join("blobs").join(&sha256.as_str()[..2]).join(sha256.as_str())
    }
}

fn damaged(sha256: &Sha256, bytes: u64, got: &Sha256) -> BlobError {
    let reason = sentence::other_object(bytes, got.as_str());
    BlobError::Damaged { sha256: sha256.clone(), reason }
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
        match self.local.open(sha256).await {
            Ok(path) => return Ok(path),
            Err(BlobError::Missing(_)) => {}
            Err(error @ BlobError::Damaged { .. }) => {
                tracing::warn!(%error, "the local copy is fetched anew");
            }
            Err(error) => return Err(error),
        }
        let object = self.get(sha256).await?;
        let folder = self.local.temporary().to_owned();
        let incoming = crate::incoming::receive(&folder, object.into_stream(), u64::MAX).await;
        let incoming = incoming.map_err(|it| BlobError::Io(std::io::Error::other(it)))?;
        if incoming.sha256 != *sha256 {
            return Err(damaged(sha256, incoming.bytes, &incoming.sha256));
        }
        self.local.keep(incoming.file, sha256).await?;
        self.local.open(sha256).await
    }

    async fn size(&self, sha256: &Sha256) -> Result<u64, BlobError> {
        if let Ok(it) = self.local.size(sha256).await {
            return Ok(it);
        }
        match self.objects.head(&self.key(sha256)).await {
            Err(object_store::Error::NotFound { .. }) => Err(BlobError::Missing(sha256.clone())),
            other => Ok(other?.size),
        }
    }

    async fn verify(&self, sha256: &Sha256) -> Result<(), BlobError> {
        let mut parts = self.get(sha256).await?.into_stream();
        let (mut hasher, mut bytes) = (sha2::Sha256::new(), 0);
        while let Some(part) = parts.try_next().await? {
            hasher.update(&part);
            bytes += part.len() as u64;
        }
        let got = Sha256::from_digest(hasher.finalize().into());
        if got == *sha256 { Ok(()) } else { Err(damaged(sha256, bytes, &got)) }
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
