//! A server, a lease, and a line between it and an agent that can be cut at any byte.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent::{cache::Cache, http::Http, reach::Reach};
use protocol::{
    id::{AgentId, Sha256},
    lease::{Lease, PROTOCOL_VERSION},
    prompt::{SlicePrompt, SliceRef},
    system::EngineStatus,
    task::EngineName,
};
use serde_json::json;
use server::{
    blobs::Folder,
    clock::SystemClock,
    incoming,
    jobs::{SegmentWish, Upload},
    person::Person,
    routes,
    settings::Settings,
    state::Server,
    store::Store,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use volume::{MaskFormat, phantom, write_volume};

/// Where a connection is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    Never,
    /// After so many bytes of requests.
    Request(usize),
    /// After so many bytes of answers.
    Answer(usize),
}

/// A line that forwards connections, each cut as planned; what is beyond the plan is not cut.
#[derive(Debug, Default)]
pub(crate) struct Line {
    plan: Mutex<VecDeque<Cut>>,
    n_asked: AtomicUsize,
    n_answered: AtomicUsize,
}

impl Line {
    pub(crate) fn cut(&self, plan: impl IntoIterator<Item = Cut>) {
        self.plan.lock().unwrap().extend(plan);
    }

    pub(crate) fn n_asked(&self) -> usize {
        self.n_asked.load(Ordering::SeqCst)
    }

    pub(crate) fn n_answered(&self) -> usize {
        self.n_answered.load(Ordering::SeqCst)
    }

    async fn forward(self: Arc<Self>, listener: TcpListener, to: std::net::SocketAddr) {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let line = Arc::clone(&self);
            tokio::spawn(async move {
                let cut = line.plan.lock().unwrap().pop_front().unwrap_or(Cut::Never);
                let (up, down) = match cut {
                    Cut::Never => (usize::MAX, usize::MAX),
                    Cut::Request(it) => (it, usize::MAX),
                    Cut::Answer(it) => (usize::MAX, it),
                };
                let far = TcpStream::connect(to).await.unwrap();
                let ((near_read, near_write), (far_read, far_write)) =
                    (near.into_split(), far.into_split());
                // Whichever ends first takes the other with it.
                tokio::select! {
                    () = copy(near_read, far_write, up, &line.n_asked) => {}
                    () = copy(far_read, near_write, down, &line.n_answered) => {}
                }
            });
        }
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    limit: usize,
    n_copied: &AtomicUsize,
) {
    let (mut left, mut buffer) = (limit, vec![0; 16 << 10]);
    while left > 0 {
        let most = left.min(buffer.len());
        let n = match from.read(&mut buffer[..most]).await {
            Ok(0) | Err(_) => return,
            Ok(n) => n,
        };
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
        n_copied.fetch_add(n, Ordering::SeqCst);
        left -= n;
    }
}

/// Bytes that nothing compresses, always the same.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(step).collect()
}

/// A server with one leased task.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) line: Arc<Line>,
    pub(crate) lease: Lease,
    pub(crate) image: Sha256,
    pub(crate) image_bytes: usize,
    url: String,
    folder: tempfile::TempDir,
}

impl Stage {
    /// A server whose task has an image of about `bytes` bytes.
    pub(crate) async fn set(bytes: usize) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::open(&url).await.unwrap();
        let settings = Settings { lease: Duration::from_secs(600), ..Settings::default() };
        let blobs = Arc::new(Folder::new(folder.path()).unwrap());
        let engines = Arc::new(|| {
            vec![EngineStatus {
                name: EngineName::Graphcut,
                version: "test".to_owned(),
                ready: true,
                licence: "MIT".to_owned(),
                missing: None,
                missing_said: None,
                model: None,
                agents: Vec::new(),
            }]
        });
        let server = Server::new(store, blobs, Arc::new(SystemClock), settings, engines);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = listener.local_addr().unwrap();
        let router = routes::router(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let near = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", near.local_addr().unwrap());
        let line = Arc::<Line>::default();
        tokio::spawn(Arc::clone(&line).forward(near, far));
        let image = image(bytes);
        let image_bytes = image.len();
        let lease = leased(&server, image).await;
        let image = lease.inputs[0].sha256.clone();
        assert_eq!(lease.inputs[0].bytes, Some(image_bytes as u64));
        Self { server, line, lease, image, image_bytes, url, folder }
    }

    /// An agent with a cache of its own.
    pub(crate) fn agent(&self) -> Http {
        let reach = Reach { server: self.url.clone(), ..Reach::default() };
        let cache = Cache::new(&self.folder.path().join("cache"), 1 << 30).unwrap();
        Http::new(reach, cache, None).unwrap()
    }

    /// How many outputs lie unfinished on the server.
    pub(crate) fn unfinished(&self) -> usize {
        let folder: PathBuf = self.folder.path().join("incoming/outputs");
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

/// A volume as a file of about so many bytes.
fn image(bytes: usize) -> Vec<u8> {
    // Two bytes a voxel.
    let side = (1..).find(|it| it * it * it * 2 >= bytes.max(20_000)).unwrap();
    let phantom = phantom::phantom(&phantom::PhantomOptions::ct([side; 3]));
    let mut file = Vec::new();
    write_volume(&phantom.volume, MaskFormat::Nifti, &mut file).unwrap();
    file
}

/// Queues a slice of `image` and claims it.
async fn leased(server: &Server, image: Vec<u8>) -> Lease {
    let stream = futures::stream::iter([Ok::<_, std::convert::Infallible>(image.into())]);
    let incoming = incoming::receive(server.blobs.temporary(), stream, u64::MAX).await.unwrap();
    let upload =
        Upload { incoming, file_name: "phantom.nii".to_owned(), name: None, modality: None };
    let person = Person::default();
    let job_id = server.create_job(upload, &person).await.unwrap().job_id;
    let prompt = SlicePrompt {
        slice: SliceRef { axis: 2, slice_index: 5 },
        label: 1,
        bounds: Some([2.0, 2.0, 9.0, 9.0]),
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    };
    server.segment(job_id, SegmentWish::of(prompt), &person).await.unwrap();
    let request = json!({
        "agent_id": AgentId::fresh(), "name": "test", "protocol": PROTOCOL_VERSION,
        "kinds": ["segment_slice"], "engines": ["graphcut"], "wait_secs": 0,
    });
    let request = serde_json::from_value(request).unwrap();
    server.claim(&request, "anybody").await.unwrap().unwrap()
}
