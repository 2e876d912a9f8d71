//! A server in memory, a client for it, and an agent that answers with a mask of the test's choice.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
};
use base64::Engine as _;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use server::{
    blobs::{self, Folder},
    clock::{Clock, ManualClock, SystemClock},
    engines::Engines,
    routes,
    settings::Settings,
    state::Server,
    store::Store,
};
use sqlx::Connection as _;
use tower::ServiceExt;
use volume::{Labelmap, MaskFormat, phantom, rle, write_volume};

pub(crate) const SHAPE: [usize; 3] = [40, 36, 16];

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// The field that an error names.
    #[track_caller]
    pub(crate) fn field(self) -> String {
        let error = self.expect(StatusCode::UNPROCESSABLE_ENTITY).json();
        assert!(!error["error"]["message"].as_str().unwrap().is_empty());
        error["error"]["field"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) struct TestServer {
    pub(crate) server: Server,
    router: Router,
    folder: tempfile::TempDir,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::build(settings, Arc::new(SystemClock)).await
    }

    /// A server whose time the test turns.
    pub(crate) async fn at_time(clock: Arc<ManualClock>) -> Self {
        Self::build(Settings::default(), clock).await
    }

    /// A server with engines of the test's choice.
    pub(crate) async fn with_engines(engines: Arc<dyn Engines>) -> Self {
        Self::build_with(Settings::default(), Arc::new(SystemClock), engines).await
    }

    async fn build(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let engines = Arc::new(|| {
            vec![protocol::system::EngineStatus {
                name: protocol::task::EngineName::Graphcut,
                version: "test".to_owned(),
                ready: true,
                licence: "MIT OR Apache-2.0".to_owned(),
                missing: None,
                missing_said: None,
                model: None,
                agents: Vec::new(),
            }]
        });
        Self::build_with(settings, clock, engines).await
    }

    async fn build_with(
        settings: Settings,
        clock: Arc<dyn Clock>,
        engines: Arc<dyn Engines>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::open(&url).await.unwrap();
        let blobs = Arc::new(Folder::new(folder.path()).unwrap());
        let server = Server::new(store, blobs, clock, settings, engines);
        Self { router: routes::router(server.clone()), server, folder }
    }

    /// Another server of the same database.
    pub(crate) fn beside(&self) -> Self {
        let Server { store, blobs, clock, engines, .. } = self.server.clone();
        let server = Server::new(store, blobs, clock, Settings::default(), engines);
        let folder = tempfile::tempdir().unwrap();
        Self { router: routes::router(server.clone()), server, folder }
    }

    /// The same server, started again on what the first left on the disk.
    pub(crate) async fn reopened(self) -> Self {
        self.server.store.close().await;
        let url = format!("sqlite://{}?mode=rwc", self.folder.path().join("test.db").display());
        let (blobs, clock) = (Arc::clone(&self.server.blobs), Arc::clone(&self.server.clock));
        let engines = Arc::clone(&self.server.engines);
        let store = Store::open(&url).await.unwrap();
        let server = Server::new(store, blobs, clock, Settings::default(), engines);
        Self { router: routes::router(server.clone()), server, folder: self.folder }
    }

    /// Changes the database behind the server's back.
    pub(crate) async fn change_database(&self, sql: &'static str) {
        let path = self.folder.path().join("test.db");
        let url = format!("sqlite://{}", path.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Where a blob lies.
    pub(crate) fn blob_path(&self, sha256: &str) -> std::path::PathBuf {
        self.folder.path().join("blobs").join(&sha256[..2]).join(sha256)
    }

    /// Blobs and unfinished uploads on the disk.
    pub(crate) fn n_files(&self) -> usize {
        let mut folders =
            vec![self.folder.path().join("blobs"), self.folder.path().join("incoming")];
        let mut n_files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    n_files += 1;
                }
            }
        }
        n_files
    }

    /// Sends a request; to this machine, unless it names another.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let here = HeaderValue::from_static("127.0.0.1:8000");
        request.headers_mut().entry(header::HOST).or_insert(here);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// The beginning of an answer; its body only where it is a refusal, for streams never end.
    pub(crate) async fn begin(&self, mut request: Request<Body>) -> Answer {
        let here = HeaderValue::from_static("127.0.0.1:8000");
        request.headers_mut().entry(header::HOST).or_insert(here);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_refusal = matches!(parts.status.as_u16(), 401 | 403);
        let bytes =
            if is_refusal { body.collect().await.unwrap().to_bytes().to_vec() } else { Vec::new() };
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// Sends JSON as somebody; the name is sent as it is.
    pub(crate) async fn as_person(
        &self,
        person: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("voxloop-person", person)
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, body).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    /// Uploads a file, with other fields of the form.
    pub(crate) async fn upload(&self, name: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Answer {
        let mut body = Vec::new();
        for (key, value) in fields {
            body.extend_from_slice(
                format!("--b\r\ncontent-disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        body.extend_from_slice(
            format!(
                "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 content-type: application/octet-stream\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let request = Request::post("/api/v1/jobs")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// Opens a phantom and returns the job's address.
    pub(crate) async fn open_phantom(&self) -> String {
        let created = self.upload("phantom.nii.gz", &phantom_file(), &[]).await;
        let job = created.expect(StatusCode::CREATED).json();
        format!("/api/v1/jobs/{}", job["job_id"].as_str().unwrap())
    }

    /// The mask that a job shows; an empty one where there is none.
    pub(crate) async fn mask(&self, job: &str) -> Labelmap {
        let mask = self.get(&format!("{job}/mask")).await;
        match mask.status {
            StatusCode::NO_CONTENT => Labelmap::new(SHAPE),
            _ => decoded(&mask.expect(StatusCode::OK).bytes),
        }
    }

    /// Asks for the segmentation of a slice along axis 2.
    pub(crate) async fn ask_for_slice(&self, job: &str, slice_index: u32, label: u8) {
        let prompt =
            json!({ "axis": 2, "slice_index": slice_index, "box": [3, 3, 12, 12], "label": label });
        self.post(&format!("{job}/initial-mask"), prompt).await.expect(StatusCode::ACCEPTED);
    }

    /// Fills a box of voxels, last ones included, with a label; returns the revision's id.
    pub(crate) async fn paint(&self, job: &str, label: u8, bounds: [[u32; 3]; 2]) -> Value {
        let parent = self.get(job).await.json()["head"].clone();
        let answer = self.post(&format!("{job}/revisions"), filled(&parent, label, bounds)).await;
        answer.expect(StatusCode::CREATED).json()["revision_id"].clone()
    }

    /// Moves the head from where it is.
    pub(crate) async fn show(&self, job: &str, head: &Value) -> Value {
        let expected = self.get(job).await.json()["head"].clone();
        let body = json!({ "head": head, "expected": expected });
        self.put(&format!("{job}/head"), body).await.expect(StatusCode::OK).json()
    }

    /// Claims the next task, as an agent does.
    pub(crate) async fn claim(&self) -> Value {
        self.try_claim().await.expect(StatusCode::OK).json()
    }

    /// Asks for a task; 204 where there is none.
    pub(crate) async fn try_claim(&self) -> Answer {
        self.post("/api/v1/claims", claim_request()).await
    }

    /// Delivers an output of a claimed task.
    pub(crate) async fn deliver(&self, lease: &Value, bytes: Vec<u8>) -> Answer {
        let (task, fence) = (lease["task_id"].as_str().unwrap(), &lease["fence"]);
        let sha256 = blobs::digest(&bytes);
        let path = format!("/api/v1/tasks/{task}/outputs/{sha256}?fence={fence}");
        self.send(Request::put(path).body(Body::from(bytes)).unwrap()).await
    }

    /// Runs the next task with `mask` as its answer; returns the answer to its completion.
    pub(crate) async fn run_next(&self, mask: &Labelmap, first: u32, last: u32) -> Answer {
        let lease = self.claim().await;
        let encoded = rle::encode(mask);
        let sha256 = blobs::digest(&encoded);
        self.deliver(&lease, encoded).await.expect(StatusCode::CREATED);
        let path = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
        self.post(&path, completion(&lease, sha256.as_str(), [first, last])).await
    }
}

/// What an agent asks for work with.
pub(crate) fn claim_request() -> Value {
    json!({
        "agent_id": "00000000-0000-7000-8000-000000000001",
        "name": "test",
        "protocol": 1,
        "kinds": ["segment_slice", "propagate"],
        "engines": ["graphcut"],
        "wait_secs": 0,
    })
}

/// A labelmap out of the run-length form.
#[track_caller]
pub(crate) fn decoded(bytes: &[u8]) -> Labelmap {
    rle::decode(bytes, SHAPE.iter().product()).unwrap()
}

/// An edit that fills a box of voxels, last ones included, with a label.
pub(crate) fn filled(parent: &Value, label: u8, [first, last]: [[u32; 3]; 2]) -> Value {
    let shape = [0, 1, 2].map(|it| (last[it] - first[it] + 1) as usize);
    let patch = Labelmap { shape, voxels: vec![label; shape.iter().product()] };
    json!({
        "parent": parent,
        "box": [first, last],
        "rle_base64": base64::engine::general_purpose::STANDARD.encode(rle::encode(&patch)),
    })
}

pub(crate) fn completion(lease: &Value, mask: &str, [first, last]: [u32; 2]) -> Value {
    json!({
        "fence": lease["fence"],
        "output": {
            "mask": mask,
            "extent": { "axis": 2, "first": first, "last": last },
            "engine": { "name": "graphcut", "version": "test" },
            "engine_ms": 1.5,
        },
    })
}

pub(crate) fn phantom_file() -> Vec<u8> {
    let phantom = phantom::phantom(&phantom::PhantomOptions::ct(SHAPE));
    let mut bytes = Vec::new();
    write_volume(&phantom.volume, MaskFormat::NiftiGz, &mut bytes).unwrap();
    bytes
}

/// A mask with `label` in a box of voxels, upper ends excluded.
pub(crate) fn block(label: u8, i: [usize; 2], j: [usize; 2], k: [usize; 2]) -> Labelmap {
    let mut mask = Labelmap::new(SHAPE);
    for z in k[0]..k[1] {
        for y in j[0]..j[1] {
            for x in i[0]..i[1] {
                let index = mask.index([x, y, z]);
                mask.voxels[index] = label;
            }
        }
    }
    mask
}
