//! What every request shares.

use std::sync::Arc;

use tokio::sync::{Mutex, RwLock};

use crate::{
    access::Access, blobs::BlobStore, clock::Clock, devices::Devices, engines::Engines,
    images::ImageCache, pathology::Shown, preparations::Preparations, roster::Roster,
    settings::Settings, store::Store, thumbnails::Thumbnails, uploads::Uploads,
};

/// A server's parts. Cloning shares them.
#[derive(Clone)]
pub struct Server {
    /// The database.
    pub store: Store,
    /// The blobs.
    pub blobs: Arc<dyn BlobStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Decoded volumes.
    pub images: Arc<ImageCache>,
    /// Which engines there are.
    pub engines: Arc<dyn Engines>,
    /// When the server started, milliseconds since 1970.
    pub started_ms: i64,
    /// Who is let in.
    pub(crate) access: Arc<Access>,
    /// When what agents say was last written.
    pub(crate) roster: Arc<Roster>,
    /// Machines that compute, as they last said.
    pub(crate) devices: Arc<Devices>,
    /// Which agents of the older kind were shown which requests.
    pub(crate) shown: Arc<Shown>,
    /// Slices that people look at.
    pub(crate) preparations: Arc<Preparations>,
    /// Pictures for lists.
    pub(crate) thumbnails: Arc<Thumbnails>,
    /// Outputs that arrive piece by piece.
    pub(crate) uploads: Arc<Uploads>,
    /// Held while everything is looked at, which may read every file: once at a time.
    pub(crate) diagnosing: Arc<Mutex<()>>,
    /// Read by whoever is about to refer to a blob, written by whoever removes unreferenced ones:
    /// between the question "does anything refer to it?" and its removal nothing new may refer.
    pub(crate) blob_gate: Arc<RwLock<()>>,
}

impl Server {
    /// A server of these parts.
    #[must_use]
    pub fn new(
        store: Store,
        blobs: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        engines: Arc<dyn Engines>,
    ) -> Self {
        let started_ms = clock.now_ms();
        Self {
            store,
            blobs,
            started_ms,
            clock,
            images: Arc::new(ImageCache::new(settings.image_cache_bytes)),
            settings: Arc::new(settings),
            engines,
            access: Arc::default(),
            roster: Arc::default(),
            devices: Arc::default(),
            shown: Arc::new(Shown::new(started_ms)),
            preparations: Arc::default(),
            thumbnails: Arc::default(),
            uploads: Arc::default(),
            diagnosing: Arc::default(),
            blob_gate: Arc::new(RwLock::new(())),
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
