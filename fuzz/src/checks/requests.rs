//! Any bytes as the body of a request to the whole server, storage and database included.
//!
//! No answer is the server's own fault, every refusal says what is wrong, and what was accepted can
//! be listed and worked on afterwards.

use std::{cell::RefCell, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, Uri},
};
use engine::{Engine, EngineError};
use http_body_util::BodyExt;
use protocol::{
    id::{JobId, TaskId},
    lease::Lease,
    system::EngineStatus,
    task::{EngineName, TaskSpec},
};
use server::{
    blobs::Folder, clock::SystemClock, routes, settings::Settings, state::Server, store::Store,
};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use volume::{Volume, phantom};

const SHAPE: [usize; 3] = [16, 14, 8];

/// Requests after which everything starts anew.
const REQUESTS_PER_SERVER: u32 = 512;

/// Routes that the first byte chooses from.
const N_ROUTES: u8 = 18;

const CONTENT_TYPES: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/plain",
];

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// The first byte chooses the route, the second the content type; the others are the body.
pub fn check(input: &[u8]) {
    let [route, content_type, body @ ..] = input else {
        return;
    };
    WORLD.with_borrow_mut(|world| {
        if world.as_ref().is_none_or(|it| it.n_requests >= REQUESTS_PER_SERVER) {
            *world = Some(World::new());
        }
        let world = world.as_mut().expect("made above");
        world.n_requests += 1;
        world.check(*route, CONTENT_TYPES[usize::from(*content_type) % CONTENT_TYPES.len()], body);
    });
}

/// A server with one job and one task.
struct World {
    runtime: Runtime,
    router: Router,
    volume: Volume,
    job: String,
    task: String,
    n_requests: u32,
    _folder: tempfile::TempDir,
}

/// An answer whose body was read; streams have none.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let router = runtime.block_on(async {
            let store = Store::open(&url).await.unwrap();
            let blobs = Arc::new(Folder::new(folder.path()).unwrap());
            let settings = Settings {
                max_upload_bytes: 1 << 16,
                max_image_bytes: 1 << 20,
                max_json_bytes: 1 << 14,
                ..Settings::default()
            };
            let engines = Arc::new(engines);
            routes::router(Server::new(store, blobs, Arc::new(SystemClock), settings, engines))
        });
        let volume = phantom::phantom(&phantom::PhantomOptions::ct(SHAPE)).volume;
        let mut world = Self {
            runtime,
            router,
            volume,
            job: String::new(),
            task: TaskId::fresh().to_string(),
            n_requests: 0,
            _folder: folder,
        };
        world.open_job();
        world
    }

    fn open_job(&mut self) {
        let mut file = Vec::new();
        volume::write_volume(&self.volume, volume::MaskFormat::NiftiGz, &mut file).unwrap();
        let head = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        let form = [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat();
        let created = self.send(Method::POST, "/api/v1/jobs", CONTENT_TYPES[2], &form).unwrap();
        assert_eq!(created.status, StatusCode::CREATED);
        let created: serde_json::Value = serde_json::from_slice(&created.body).unwrap();
        self.job = created["job_id"].as_str().unwrap().to_owned();
    }

    fn check(&mut self, route: u8, content_type: &str, body: &[u8]) {
        let (job, task) = (format!("/api/v1/jobs/{}", self.job), self.task.clone());
        let task = format!("/api/v1/tasks/{task}");
        let text = String::from_utf8_lossy(body);
        let (method, path) = match route % N_ROUTES {
            0 => (Method::POST, format!("{job}/initial-mask")),
            1 => (Method::PUT, format!("{job}/prompts")),
            2 => (Method::POST, format!("{job}/revisions")),
            3 => (Method::POST, format!("{job}/propagate")),
            4 => (Method::PUT, format!("{job}/labels")),
            5 => (Method::POST, "/api/v1/claims".to_owned()),
            6 => (Method::POST, format!("{task}/heartbeat")),
            7 => (Method::POST, format!("{task}/complete")),
            8 => (Method::POST, format!("{task}/fail")),
            9 => (Method::POST, "/api/v1/jobs".to_owned()),
            10 => (Method::GET, format!("{job}/{text}")),
            11 => (Method::GET, format!("/events/stream?after={text}")),
            12 => (Method::PUT, format!("{job}/head")),
            13 => (Method::POST, format!("{job}/review")),
            14 => (Method::POST, format!("{job}/opinions")),
            15 => (Method::POST, "/api/v1/label-sets".to_owned()),
            16 => (Method::POST, format!("{job}/operations")),
            _ => (Method::GET, format!("/api/v1/audit?{text}")),
        };
        if path.parse::<Uri>().is_err() {
            return;
        }
        let Some(answer) = self.send(method, &path, content_type, body) else {
            return;
        };
        let said = String::from_utf8_lossy(&answer.body);
        assert!(answer.status.as_u16() < 500, "{path}: {} {said}", answer.status);
        if answer.status.is_client_error() {
            check_refusal(&answer.body, &path);
        }
        if answer.status == StatusCode::ACCEPTED {
            self.check_work();
        }
        if answer.status == StatusCode::CREATED && route % N_ROUTES == 9 {
            self.check_and_delete(&answer.body);
        }
        if self.n_requests.is_multiple_of(64) {
            self.expect_ok("/api/v1/jobs");
            self.expect_ok("/api/v1/tasks");
        }
    }

    /// What was accepted is given to agents, and an engine can take it.
    fn check_work(&mut self) {
        let claim = r#"{"agent_id":"00000000-0000-7000-8000-000000000001","name":"n","protocol":1,
            "kinds":["segment_slice","propagate"],"engines":["graphcut"],"wait_secs":0}"#;
        let claims = "/api/v1/claims";
        let claimed = self.send(Method::POST, claims, CONTENT_TYPES[0], claim.as_bytes());
        let Some(claimed) = claimed.filter(|it| it.status == StatusCode::OK) else {
            return;
        };
        let lease: Lease = serde_json::from_slice(&claimed.body).unwrap();
        self.task = lease.task_id.to_string();
        if let TaskSpec::SegmentSlice(spec) = &lease.spec {
            let found = engine::segment_slice(&Engine::Graphcut, &self.volume, &spec.prompt, None);
            let is_fit = match &found {
                Ok(_) | Err(EngineError::NothingMarked { .. } | EngineError::NoMask { .. }) => true,
                Err(_) => false,
            };
            assert!(is_fit, "accepted, but no engine takes it: {found:?}");
        }
    }

    /// An image that was accepted can be seen, and goes without a trace.
    fn check_and_delete(&mut self, created: &[u8]) {
        let created: serde_json::Value = serde_json::from_slice(created).unwrap();
        let id: JobId = created["job_id"].as_str().unwrap().parse().unwrap();
        let path = format!("/api/v1/jobs/{id}");
        self.expect_ok(&path);
        self.expect_ok(&format!("{path}/slices/2/0.png"));
        let deleted = self.send(Method::DELETE, &path, CONTENT_TYPES[0], b"").unwrap();
        assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    }

    fn expect_ok(&mut self, path: &str) {
        let answer = self.send(Method::GET, path, CONTENT_TYPES[0], b"").unwrap();
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, StatusCode::OK, "{path}: {said}");
    }

    /// The answer, or none where the server waits for something to happen.
    fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<Answer> {
        let is_stream = path.starts_with("/events");
        let is_held = path.ends_with("/claims") || path.ends_with("/heartbeat");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", content_type)
            .body(Body::from(body.to_vec()))
            .unwrap();
        let router = self.router.clone();
        let answer = async {
            let response = router.oneshot(request).await.unwrap();
            let status = response.status();
            if is_stream && status.is_success() {
                return Answer { status, body: Vec::new() };
            }
            let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
            Answer { status, body }
        };
        let patience = Duration::from_millis(if is_held { 200 } else { 20_000 });
        let answered =
            self.runtime.block_on(async { tokio::time::timeout(patience, answer).await });
        match answered {
            Ok(answer) => Some(answer),
            Err(_) if is_held => None,
            Err(_) => panic!("{path} gets no answer"),
        }
    }
}

fn engines() -> Vec<EngineStatus> {
    vec![EngineStatus {
        name: EngineName::Graphcut,
        version: "test".to_owned(),
        ready: true,
        licence: "MIT OR Apache-2.0".to_owned(),
        missing: None,
        missing_said: None,
        model: None,
        agents: Vec::new(),
    }]
}

/// A refusal has a code and a sentence.
fn check_refusal(body: &[u8], path: &str) {
    let said: serde_json::Value = serde_json::from_slice(body)
        .unwrap_or_else(|_| panic!("{path}: {}", String::from_utf8_lossy(body)));
    for field in ["code", "message"] {
        let text = said["error"][field].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{path}: no {field} in {said}");
    }
}
