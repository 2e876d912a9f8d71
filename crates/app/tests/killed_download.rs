//! `kill -9` of an agent in the middle of a download: nothing wrong stays behind, and the next agent
//! goes on where the file ends.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde_json::json;
use tokio::sync::Notify;
use volume::{MaskFormat, phantom, write_volume};

const TASK: &str = "00000000-0000-7000-8000-000000000001";

/// A server with one task, whose input stalls in the middle for whoever asks for all of it.
struct Stub {
    image: Vec<u8>,
    sha256: String,
    /// Ranges that were asked for.
    ranges: Mutex<Vec<Option<String>>>,
    /// The attempt has ended, one way or the other.
    ended: Notify,
}

async fn answer(State(stub): State<Arc<Stub>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let of_task = path.strip_prefix(&format!("/api/v1/tasks/{TASK}/")).unwrap_or_default();
    match of_task.split('/').next().unwrap() {
        "heartbeat" => Json(json!({ "lease_ms": 600_000, "cancel": false })).into_response(),
        "inputs" => stub.input(request.headers().get(header::RANGE)),
        "complete" | "fail" => {
            stub.ended.notify_one();
            StatusCode::OK.into_response()
        }
        "log" => Json(json!({ "offset": 0, "full": true })).into_response(),
        "outputs" => StatusCode::CREATED.into_response(),
        _ if path == "/api/v1/claims" => Json(stub.lease()).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Stub {
    fn lease(&self) -> serde_json::Value {
        json!({
            "task_id": TASK, "fence": 1,
            "lease_ms": 600_000, "heartbeat_ms": 10_000, "time_limit_ms": 600_000,
            "spec": {
                "kind": "segment_slice", "engine": "graphcut", "image": { "sha256": self.sha256 },
                "prompt": { "axis": 2, "slice_index": 5, "label": 1, "box": [4, 4, 18, 18] },
            },
            "inputs": [{ "sha256": self.sha256, "bytes": self.image.len() }],
        })
    }

    fn input(&self, range: Option<&header::HeaderValue>) -> Response {
        let range = range.map(|it| it.to_str().unwrap().to_owned());
        self.ranges.lock().unwrap().push(range.clone());
        let length = self.image.len();
        let Some(range) = range else {
            let half = Bytes::copy_from_slice(&self.image[..length / 2]);
            let first = futures::stream::iter([Ok::<_, std::io::Error>(half)]);
            let body = Body::from_stream(first.chain(futures::stream::pending()));
            return ([(header::CONTENT_LENGTH, length)], body).into_response();
        };
        let start: usize = range["bytes=".len()..range.len() - 1].parse().unwrap();
        let range = format!("bytes {start}-{}/{length}", length - 1);
        let rest = Bytes::copy_from_slice(&self.image[start..]);
        (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, range)], rest).into_response()
    }
}

fn agent(folder: &Path, server: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    for name in ["HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.args(["agent", "--server", server]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Files of the cache with their sizes, but for its lock.
fn files(folder: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(folder.join("temp/blobs")) else { return Vec::new() };
    let entries = entries.map(Result::unwrap);
    let named =
        entries.map(|it| (it.file_name().into_string().unwrap(), it.metadata().unwrap().len()));
    named.filter(|(name, _)| name != "lock").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_was_killed_is_gone_on_with() {
    let phantom = phantom::phantom(&phantom::PhantomOptions::ct([24, 24, 12]));
    let mut image = Vec::new();
    write_volume(&phantom.volume, MaskFormat::Nifti, &mut image).unwrap();
    let (sha256, half) = (server::blobs::digest(&image).to_string(), image.len() as u64 / 2);
    let ranges = Mutex::default();
    let stub = Arc::new(Stub { image, sha256: sha256.clone(), ranges, ended: Notify::new() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&stub));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = tempfile::tempdir().unwrap();
    let part = (format!("{sha256}.part"), half);
    let mut first = agent(folder.path(), &url);
    let arrived = async {
        while files(folder.path()) != [part.clone()] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrived).await.expect("half of it in 60 s");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(files(folder.path()), [part]);

    let mut second = agent(folder.path(), &url);
    tokio::time::timeout(Duration::from_secs(60), stub.ended.notified()).await.expect("its end");
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(files(folder.path()), [(sha256.clone(), half * 2)]);
    let entry = fs::read(folder.path().join("temp/blobs").join(&sha256)).unwrap();
    assert_eq!(server::blobs::digest(&entry).to_string(), sha256);
    let asked = stub.ranges.lock().unwrap();
    assert_eq!(asked[..2], [None, Some(format!("bytes={half}-"))]);
}
