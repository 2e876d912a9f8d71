//! Time goes on for tasks whatever else the server does meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use axum::http::StatusCode;
use protocol::id::Sha256;
use serde_json::json;
use server::{
    blobs::{BlobError, BlobStore, StoredBlob},
    clock::ManualClock,
};
use tempfile::NamedTempFile;
use tokio::sync::Notify;

use crate::support::TestServer;

/// A storage with so many files that their list does not come to an end.
struct Endless {
    blobs: Arc<dyn BlobStore>,
    is_asked: Arc<Notify>,
}

#[async_trait]
impl BlobStore for Endless {
    async fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> Result<(), BlobError> {
        self.blobs.keep(file, sha256).await
    }

    async fn open(&self, sha256: &Sha256) -> Result<PathBuf, BlobError> {
        self.blobs.open(sha256).await
    }

    async fn size(&self, sha256: &Sha256) -> Result<u64, BlobError> {
        self.blobs.size(sha256).await
    }

    async fn verify(&self, sha256: &Sha256) -> Result<(), BlobError> {
        self.blobs.verify(sha256).await
    }

    async fn remove(&self, sha256: &Sha256) -> Result<(), BlobError> {
        self.blobs.remove(sha256).await
    }

    async fn list(&self) -> Result<Vec<StoredBlob>, BlobError> {
        self.is_asked.notify_one();
        std::future::pending().await
    }

    fn temporary(&self) -> &Path {
        self.blobs.temporary()
    }
}

#[tokio::test]
async fn a_sweep_that_takes_long_stops_no_clock() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let task = server.claim().await["task_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tasks/{task}");
    server.post(&format!("{path}/cancel"), json!({})).await.expect(StatusCode::ACCEPTED);

    let is_asked = Arc::new(Notify::new());
    let mut sweeping = server.server.clone();
    let blobs = Arc::clone(&sweeping.blobs);
    sweeping.blobs = Arc::new(Endless { blobs, is_asked: Arc::clone(&is_asked) });
    let ends = async {
        let mut events = server.server.store.watch_events();
        is_asked.notified().await;
        // The agent is gone: nothing but time ends its task.
        clock.advance_ms(10 * 60 * 1_000);
        while server.get(&path).await.json()["state"] != "cancelled" {
            events.changed().await.unwrap();
        }
    };
    tokio::select! {
        () = sweeping.keep_time() => panic!("time ends"),
        ended = tokio::time::timeout(Duration::from_secs(30), ends) => ended.expect("within 30 s"),
    }
}
