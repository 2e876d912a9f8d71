//! Blobs in an S3-compatible bucket, with a local folder that holds those in use.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
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
    places: Arc<Places>,
    /// Blobs that are fetched or waited for: each is fetched once at a time.
    turns: Mutex<HashMap<Sha256, Arc<tokio::sync::Mutex<()>>>>,
}

/// Where the blobs lie.
#[derive(Debug)]
struct Places {
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
        let prefix = object_store::path::Path::from(prefix);
        Ok(Self::of(Places { objects: Arc::new(objects), prefix, local }))
    }

    fn of(places: Places) -> Self {
        Self { places: Arc::new(places), turns: Mutex::default() }
    }

    /// The gate of those who want a blob that is not here.
    fn turn(&self, sha256: &Sha256) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, it| Arc::strong_count(it) > 1);
        Arc::clone(turns.entry(sha256.clone()).or_default())
    }
}

impl Places {
    /// The local copy, where there is a good one.
    async fn here(&self, sha256: &Sha256) -> Result<Option<PathBuf>, BlobError> {
        match self.local.open(sha256).await {
            Ok(path) => Ok(Some(path)),
            Err(BlobError::Missing(_)) => Ok(None),
            Err(error @ BlobError::Damaged { .. }) => {
                tracing::warn!(%error, "the local copy is fetched anew");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the local copy.
    async fn fetch(&self, sha256: &Sha256) -> Result<PathBuf, BlobError> {
        let object = self.get(sha256).await?;
        let folder = self.local.temporary().to_owned();
        let incoming = crate::incoming::receive(&folder, object.into_stream(), u64::MAX).await;
        let incoming = incoming.map_err(|it| BlobError::Io(io::Error::other(it)))?;
        if incoming.sha256 != *sha256 {
            return Err(damaged(sha256, incoming.bytes, &incoming.sha256));
        }
        self.local.keep(incoming.file, sha256).await?;
        self.local.open(sha256).await
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
        let upload = self.places.objects.put_multipart(&self.places.key(sha256)).await?;
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
        self.places.local.keep(file, sha256).await
    }

    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError> {
        if let Some(path) = self.places.here(sha256).await? {
            return Ok(path);
        }
        let mine = self.turn(sha256).lock_owned().await;
        if let Some(path) = self.places.here(sha256).await? {
            return Ok(path);
        }
        // In a task of its own: whoever asks may not wait so long, and would find nothing of it when
        // they ask again.
        let (places, sha256) = (Arc::clone(&self.places), sha256.clone());
        let fetching = tokio::spawn(async move {
            let fetched = places.fetch(&sha256).await;
            drop(mine);
            fetched
        });
        fetching.await.map_err(io::Error::other)?
    }

    async fn size(&self, sha256: &Sha256) -> Result<u64, BlobError> {
        if let Ok(it) = self.places.local.size(sha256).await {
            return Ok(it);
        }
        match self.places.objects.head(&self.places.key(sha256)).await {
            Err(object_store::Error::NotFound { .. }) => Err(BlobError::Missing(sha256.clone())),
            other => Ok(other?.size),
        }
    }

    async fn verify(&self, sha256: &Sha256) -> Result<(), BlobError> {
        let mut parts = self.places.get(sha256).await?.into_stream();
        let (mut hasher, mut bytes) = (sha2::Sha256::new(), 0);
        while let Some(part) = parts.try_next().await? {
            hasher.update(&part);
            bytes += part.len() as u64;
        }
        let got = Sha256::from_digest(hasher.finalize().into());
        if got == *sha256 { Ok(()) } else { Err(damaged(sha256, bytes, &got)) }
    }

    async fn remove(&self, sha256: &Sha256) -> Result<(), BlobError> {
        match self.places.objects.delete(&self.places.key(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.places.local.remove(sha256).await
    }

    async fn list(&self) -> Result<Vec<StoredBlob>, BlobError> {
        let prefix = self.places.prefix.clone().join("blobs");
        let objects: Vec<_> = self.places.objects.list(Some(&prefix)).try_collect().await?;
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
        self.places.local.temporary()
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt, ops::Range};

    use bytes::Bytes;
    use futures::stream::BoxStream;
    use object_store::{
        CopyOptions, GetOptions, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions,
        PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path as Key,
    };
    use tokio::sync::Semaphore;

    use super::*;

    /// A storage that answers as often as the test lets it.
    #[derive(Debug)]
    struct Slow {
        objects: InMemory,
        asked: Semaphore,
        may_answer: Semaphore,
    }

    impl fmt::Display for Slow {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.objects.fmt(f)
        }
    }

    #[async_trait]
    impl ObjectStore for Slow {
        async fn put_opts(&self, at: &Key, it: PutPayload, how: PutOptions) -> Result<PutResult> {
            self.objects.put_opts(at, it, how).await
        }

        async fn put_multipart_opts(
            &self,
            at: &Key,
            how: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.objects.put_multipart_opts(at, how).await
        }

        async fn get_opts(&self, at: &Key, how: GetOptions) -> Result<GetResult> {
            self.asked.add_permits(1);
            self.may_answer.acquire().await.unwrap().forget();
            self.objects.get_opts(at, how).await
        }

        async fn get_ranges(&self, at: &Key, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
            self.objects.get_ranges(at, ranges).await
        }

        fn delete_stream(
            &self,
            at: BoxStream<'static, Result<Key>>,
        ) -> BoxStream<'static, Result<Key>> {
            self.objects.delete_stream(at)
        }

        fn list(&self, below: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.objects.list(below)
        }

        async fn list_with_delimiter(&self, below: Option<&Key>) -> Result<ListResult> {
            self.objects.list_with_delimiter(below).await
        }

        async fn copy_opts(&self, from: &Key, to: &Key, how: CopyOptions) -> Result<()> {
            self.objects.copy_opts(from, to, how).await
        }
    }

    #[tokio::test]
    async fn a_fetch_goes_on_when_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let (bytes, sha256) = (b"a volume", super::super::digest(b"a volume"));
        let slow = Arc::new(Slow {
            objects: InMemory::new(),
            asked: Semaphore::new(0),
            may_answer: Semaphore::new(0),
        });
        let local = Folder::new(folder.path()).unwrap();
        let objects: Arc<dyn ObjectStore> = Arc::<Slow>::clone(&slow);
        let bucket = Arc::new(Bucket::of(Places { objects, prefix: Key::default(), local }));
        slow.objects.put(&bucket.places.key(&sha256), bytes.to_vec().into()).await.unwrap();
        let (asking, name) = (Arc::clone(&bucket), sha256.clone());
        let first = tokio::spawn(async move { asking.open(&name).await });
        slow.asked.acquire().await.unwrap().forget();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        slow.may_answer.add_permits(1);
        let path = bucket.open(&sha256).await.unwrap();
        assert_eq!(std::fs::read(path).unwrap(), bytes);
        assert_eq!(slow.asked.available_permits(), 0, "it was fetched once");
    }
}
