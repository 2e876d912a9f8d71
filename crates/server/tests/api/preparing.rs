//! Slices that people look at: which engine prepares them, in what order, what is refused.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use protocol::{job::Preparation, system::EngineStatus, task::EngineName};
use serde_json::json;
use server::engines::{Engines, Viewed};
use tokio::sync::Semaphore;

use crate::support::{SHAPE, TestServer};

/// Engines of which one prepares slices, one at a time, when the test lets it.
struct Preparing {
    seen: Mutex<Vec<u32>>,
    turns: Semaphore,
    n_done: Semaphore,
}

impl Engines for Preparing {
    fn list(&self) -> Vec<EngineStatus> {
        let status = |name, ready: bool| EngineStatus {
            name,
            version: "test".to_owned(),
            ready,
            licence: String::new(),
            missing: None,
            missing_said: None,
            model: None,
            agents: Vec::new(),
        };
        vec![status(EngineName::Medsam2, true), status(EngineName::Graphcut, true)]
    }

    fn preparation(&self, engine: EngineName) -> Preparation {
        match engine {
            EngineName::Graphcut => Preparation::NotNeeded,
            EngineName::Medsam2 => Preparation::Begun,
        }
    }

    fn prepare(&self, viewed: &Viewed) -> Result<(), String> {
        assert_eq!(viewed.volume.shape(), SHAPE);
        self.seen.lock().unwrap().push(viewed.slice.slice_index);
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(self.turns.acquire()).unwrap().forget();
        self.n_done.add_permits(1);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_image_only_the_slice_looked_at_last_waits() {
    let engines = Arc::new(Preparing {
        seen: Mutex::default(),
        turns: Semaphore::new(0),
        n_done: Semaphore::new(0),
    });
    let server = TestServer::with_engines(Arc::clone(&engines) as Arc<dyn Engines>).await;
    let job = server.open_phantom().await;
    let look = async |slice: u32| {
        let body = json!({ "axis": 2, "slice_index": slice });
        let answer = server.post(&format!("{job}/prepare"), body).await;
        answer.expect(StatusCode::ACCEPTED).json()["preparation"].clone()
    };
    assert_eq!(look(3).await, "begun");
    while engines.seen.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    for slice in [4, 5, 6] {
        assert_eq!(look(slice).await, "begun");
    }
    engines.turns.add_permits(2);
    engines.n_done.acquire_many(2).await.unwrap().forget();
    assert_eq!(*engines.seen.lock().unwrap(), [3, 6]);

    engines.turns.add_permits(1);
    assert_eq!(look(7).await, "begun");
    engines.n_done.acquire().await.unwrap().forget();
    assert_eq!(*engines.seen.lock().unwrap(), [3, 6, 7]);
}

#[tokio::test]
async fn what_needs_no_preparation_is_said_and_what_is_wrong_refused() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/prepare");
    let look = async |body| server.post(&path, body).await;
    let answer = look(json!({ "axis": 0, "slice_index": 39 })).await.expect(StatusCode::ACCEPTED);
    assert_eq!(answer.json()["preparation"], "not_needed");
    assert_eq!(look(json!({ "axis": 0, "slice_index": 40 })).await.field(), "slice_index");
    assert_eq!(look(json!({ "axis": 3, "slice_index": 0 })).await.field(), "axis");
    let other = json!({ "axis": 0, "slice_index": 0, "engine": "medsam2" });
    assert_eq!(look(other).await.field(), "engine");
    let nowhere = format!("/api/v1/jobs/{}/prepare", "0".repeat(32));
    let body = json!({ "axis": 0, "slice_index": 0 });
    server.post(&nowhere, body).await.expect(StatusCode::NOT_FOUND);
}
