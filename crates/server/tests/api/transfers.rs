//! Inputs and outputs of tasks: which blobs a lease opens, ranges, outputs piece by piece.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use protocol::id::Sha256;
use serde_json::{Value, json};
use server::{
    blobs::{self, BlobError, BlobStore, StoredBlob},
    settings::Settings,
    state::Server,
    uploads::{Appended, OutputPiece},
};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use crate::support::{Answer, TestServer, block, completion, phantom_file};

/// The address of a blob of a lease's task: `inputs/…` or `outputs/…`.
fn at(lease: &Value, what: &str, sha256: &str) -> String {
    let (task, fence) = (lease["task_id"].as_str().unwrap(), &lease["fence"]);
    format!("/api/v1/tasks/{task}/{what}/{sha256}?fence={fence}")
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default()
}

impl TestServer {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_vec())).unwrap()).await
    }

    /// Sends a piece of an output.
    async fn piece(
        &self,
        lease: &Value,
        sha256: &str,
        offset: &str,
        body: &[u8],
        last: bool,
    ) -> Answer {
        let complete = if last { "?1" } else { "?0" };
        let headers = [("upload-offset", offset), ("upload-complete", complete)];
        self.ask(Method::PATCH, &at(lease, "outputs", sha256), &headers, body).await
    }

    /// How much of an output is here, and whether that is all.
    async fn so_far(&self, lease: &Value, sha256: &str) -> (String, String) {
        let answer = self.ask(Method::HEAD, &at(lease, "outputs", sha256), &[], b"").await;
        let answer = answer.expect(StatusCode::NO_CONTENT);
        (header(&answer.headers, "upload-offset"), header(&answer.headers, "upload-complete"))
    }

    async fn code(&self, path: &str, expected: StatusCode) -> Value {
        self.get(path).await.expect(expected).json()["error"]["code"].clone()
    }
}

#[tokio::test]
async fn a_lease_opens_the_blobs_that_it_lists_and_no_others() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.paint(&job, 1, [[1, 1, 1], [4, 4, 4]]).await;
    let older = server.get(&job).await.json()["head_revision"]["mask"].clone();
    server.paint(&job, 1, [[1, 1, 1], [5, 5, 5]]).await;
    let head = server.get(&job).await.json()["head_revision"]["mask"].clone();
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let image = blobs::digest(&phantom_file()).to_string();
    let listed: Vec<_> = lease["inputs"].as_array().unwrap().iter().collect();
    assert_eq!(listed[0], &json!({ "sha256": image, "bytes": phantom_file().len() }));
    for it in &listed {
        let path = at(&lease, "inputs", it["sha256"].as_str().unwrap());
        let answer = server.get(&path).await.expect(StatusCode::OK);
        assert_eq!(json!(answer.bytes.len()), it["bytes"]);
    }

    assert_eq!((listed.len(), &listed[1]["sha256"]), (2, &head));
    // A blob that is there, of the same job even.
    let path = at(&lease, "inputs", older.as_str().unwrap());
    assert_eq!(server.code(&path, StatusCode::NOT_FOUND).await, "not_found");
    // A blob that is not there.
    let path = at(&lease, "inputs", &"7".repeat(64));
    assert_eq!(server.code(&path, StatusCode::NOT_FOUND).await, "not_found");
    // Another fence, older and newer.
    for fence in [0, 2] {
        let mut stale = lease.clone();
        stale["fence"] = json!(fence);
        let path = at(&stale, "inputs", &image);
        assert_eq!(server.code(&path, StatusCode::CONFLICT).await, "stale_fence");
        let answer = server.piece(&stale, &image, "0", b"x", false).await;
        assert_eq!(answer.expect(StatusCode::CONFLICT).json()["error"]["code"], "stale_fence");
        let answer = server.ask(Method::HEAD, &at(&stale, "outputs", &image), &[], b"").await;
        let answer = answer.expect(StatusCode::CONFLICT);
        assert_eq!(header(&answer.headers, "voxloop-error"), "stale_fence");
    }
    // Another task, whose lease this is not.
    server.ask_for_slice(&job, 6, 1).await;
    let mut foreign = server.claim().await;
    foreign["fence"] = json!(9);
    let path = at(&foreign, "inputs", &image);
    assert_eq!(server.code(&path, StatusCode::CONFLICT).await, "stale_fence");
}

#[tokio::test]
async fn an_ended_task_opens_nothing_and_takes_nothing() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let image = blobs::digest(&phantom_file()).to_string();
    let unfinished = blobs::digest(b"never sent whole").to_string();
    server.piece(&lease, &unfinished, "0", b"never", false).await.expect(StatusCode::NO_CONTENT);
    let path = format!("/api/v1/tasks/{}/fail", lease["task_id"].as_str().unwrap());
    let failure = json!({ "class": "permanent", "code": "no_object", "message": "nothing" });
    let request = json!({ "fence": lease["fence"], "failure": failure });
    server.post(&path, request).await.expect(StatusCode::OK);
    assert_eq!(
        server.code(&at(&lease, "inputs", &image), StatusCode::CONFLICT).await,
        "stale_fence"
    );
    let answer = server.piece(&lease, &unfinished, "5", b" sent whole", true).await;
    answer.expect(StatusCode::CONFLICT);
    // What had arrived of its output went with it.
    assert_eq!(server.n_files(), 1, "the image is all there is");
}

#[tokio::test]
async fn an_input_is_read_from_any_byte() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let (file, name) = (phantom_file(), blobs::digest(&phantom_file()).to_string());
    let path = at(&lease, "inputs", &name);
    let quoted = format!("\"{name}\"");
    let whole = server.get(&path).await.expect(StatusCode::OK);
    assert_eq!(header(&whole.headers, "etag"), quoted);
    assert_eq!(header(&whole.headers, "accept-ranges"), "bytes");
    assert_eq!(header(&whole.headers, "content-length"), file.len().to_string());
    for first in [0, 1, file.len() / 2, file.len() - 1] {
        let range = format!("bytes={first}-");
        let headers = [("range", range.as_str()), ("if-range", &quoted)];
        let part = server.ask(Method::GET, &path, &headers, b"").await;
        let part = part.expect(StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.bytes, file[first..]);
        let expected = format!("bytes {first}-{}/{}", file.len() - 1, file.len());
        assert_eq!(header(&part.headers, "content-range"), expected);
    }
    let other = [("range", "bytes=5-"), ("if-range", "\"another\"")];
    let answer = server.ask(Method::GET, &path, &other, b"").await.expect(StatusCode::OK);
    assert_eq!(answer.bytes, file);
    let beyond = format!("bytes={}-", file.len());
    let answer = server.ask(Method::GET, &path, &[("range", &beyond)], b"").await;
    assert_eq!(
        answer.expect(StatusCode::RANGE_NOT_SATISFIABLE).json()["error"]["code"],
        "beyond_the_end"
    );
}

#[tokio::test]
async fn an_output_is_put_together_of_pieces() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let mask = volume::rle::encode(&block(1, [3, 9], [3, 9], [5, 6]));
    let name = blobs::digest(&mask).to_string();
    let progress = |bytes: usize, complete: &str| (bytes.to_string(), complete.to_owned());
    assert_eq!(server.so_far(&lease, &name).await, progress(0, "?0"));
    server.piece(&lease, &name, "0", &mask[..7], false).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.so_far(&lease, &name).await, progress(7, "?0"));
    // The same piece once more, and one too far: nothing is taken, and where to go on is said.
    for offset in ["0", "9"] {
        let again = server.piece(&lease, &name, offset, &mask[..7], false).await;
        assert_eq!(header(&again.headers, "upload-offset"), "7");
        assert_eq!(again.expect(StatusCode::CONFLICT).json()["error"]["code"], "wrong_offset");
    }
    server.piece(&lease, &name, "7", b"", false).await.expect(StatusCode::NO_CONTENT);
    server.piece(&lease, &name, "7", &mask[7..], true).await.expect(StatusCode::CREATED);
    assert_eq!(server.so_far(&lease, &name).await, progress(mask.len(), "?1"));
    let path = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    server.post(&path, completion(&lease, &name, [5, 5])).await.expect(StatusCode::OK);
    assert_eq!(server.mask(&job).await.count(1), 36);
}

#[tokio::test]
async fn an_output_that_is_not_what_its_name_says_is_thrown_away() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let name = blobs::digest(b"the right bytes").to_string();
    server.piece(&lease, &name, "0", b"the wrong", false).await.expect(StatusCode::NO_CONTENT);
    let answer = server.piece(&lease, &name, "9", b" bytes", true).await;
    assert_eq!(answer.field(), "sha256");
    assert_eq!(server.so_far(&lease, &name).await.0, "0");
    server.piece(&lease, &name, "0", b"the right bytes", true).await.expect(StatusCode::CREATED);
    let without = server.ask(Method::PATCH, &at(&lease, "outputs", &name), &[], b"x").await;
    assert_eq!(without.field(), "Upload-Offset");
}

#[tokio::test]
async fn an_output_is_no_larger_than_an_upload_may_be() {
    let settings =
        Settings { max_upload_bytes: phantom_file().len() as u64, ..Settings::default() };
    let limit = phantom_file().len();
    let server = TestServer::with(settings).await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let name = blobs::digest(b"large").to_string();
    let half = vec![7; limit / 2 + 1];
    server.piece(&lease, &name, "0", &half, false).await.expect(StatusCode::NO_CONTENT);
    let offset = half.len().to_string();
    let answer = server.piece(&lease, &name, &offset, &half, true).await;
    answer.expect(StatusCode::PAYLOAD_TOO_LARGE);
}

/// A storage that keeps nothing until the test lets it.
struct Slow {
    blobs: Arc<dyn BlobStore>,
    asked: Semaphore,
    may_keep: Semaphore,
}

#[async_trait]
impl BlobStore for Slow {
    async fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> Result<(), BlobError> {
        self.asked.add_permits(1);
        self.may_keep.acquire().await.unwrap().forget();
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
        self.blobs.list().await
    }

    fn temporary(&self) -> &Path {
        self.blobs.temporary()
    }
}

#[tokio::test]
async fn an_output_that_has_arrived_is_stored_though_its_sender_hangs_up() {
    let here = TestServer::start().await;
    let job = here.open_phantom().await;
    here.ask_for_slice(&job, 5, 1).await;
    let lease = here.claim().await;
    let it = here.server.clone();
    let slow = Arc::new(Slow {
        blobs: Arc::clone(&it.blobs),
        asked: Semaphore::new(0),
        may_keep: Semaphore::new(0),
    });
    let blobs: Arc<dyn BlobStore> = Arc::<Slow>::clone(&slow);
    let server = Server::new(it.store, blobs, it.clock, Settings::default(), it.engines);
    let task_id = lease["task_id"].as_str().unwrap().parse().unwrap();
    let (fence, sha256) = (lease["fence"].as_i64().unwrap(), blobs::digest(b"large"));
    let piece = OutputPiece { task_id, fence, sha256, offset: 0, is_last: true };
    let (sending, sent) = (server.clone(), piece.clone());
    let sender = tokio::spawn(async move {
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>("large".into())]);
        sending.append_output(&sent, bytes).await
    });
    slow.asked.acquire().await.unwrap().forget();
    sender.abort();
    assert!(sender.await.unwrap_err().is_cancelled());
    slow.may_keep.add_permits(1);
    let so_far = server.delivered_so_far(task_id, fence, &piece.sha256).await.unwrap();
    assert_eq!(so_far, Appended::Whole(5));
}
