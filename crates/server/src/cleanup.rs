//! Clean-up: what nothing needs any more.

use std::time::Duration;

use protocol::system::Cleanup;

use crate::{error::ApiError, state::Server};

/// A file nobody refers to may be on its way into a job; after this long it is not.
pub(crate) const MIN_AGE: Duration = Duration::from_secs(60 * 60);

const KEEP_EVENTS_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

impl Server {
    /// Frees memory, forgets old events, removes files that no job refers to.
    pub(crate) async fn cleanup(&self) -> Result<Cleanup, ApiError> {
        self.images.clear();
        self.sweep().await
    }

    /// Forgets old events and removes files that no job refers to: uploads whose job was never
    /// made, outputs of attempts that failed.
    pub(crate) async fn sweep(&self) -> Result<Cleanup, ApiError> {
        self.store.forget_credentials(self.now_ms()).await?;
        self.sweep_unfinished().await;
        let mut cleanup = Cleanup {
            removed_blobs: 0,
            removed_bytes: 0,
            removed_events: self.store.forget_events(self.now_ms() - KEEP_EVENTS_MS).await?,
        };
        for blob in self.blobs.list().await? {
            if blob.age < MIN_AGE {
                continue;
            }
            let _gate = self.blob_gate.write().await;
            if !self.store.is_referenced(&blob.sha256).await? {
                self.blobs.remove(&blob.sha256).await?;
                cleanup.removed_blobs += 1;
                cleanup.removed_bytes += blob.bytes;
            }
        }
        Ok(cleanup)
    }
}
