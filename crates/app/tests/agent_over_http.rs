//! A server on a port, agents that reach it by HTTP, and a runner that does what each test says.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent::{
    Agent, Device, Profile,
    cache::Cache,
    http::Http,
    reach::Reach,
    runner::{Assignment, Control, MaskOutput, RunError, RunOutput, RunSoFar, Runner},
};
use protocol::{
    id::{JobId, TaskId},
    job::{Job, JobState},
    prompt::{SlicePrompt, SliceRef},
    system::EngineStatus,
    task::{
        EngineIdentity, EngineName, FailureClass, MaskExtent, MaskSoFar, Progress, SliceConfidence,
        Task, TaskFailure, TaskKind, TaskSpec, TaskState,
    },
};
use server::{
    access::Token,
    blobs::Folder,
    clock::SystemClock,
    incoming,
    jobs::{PropagateWish, SegmentWish, Upload},
    person::Person,
    routes,
    settings::Settings,
    state::Server,
    store::Store,
};
use tokio_util::sync::CancellationToken;
use volume::{Labelmap, MaskFormat, phantom, rle, write_volume};

const SHAPE: [usize; 3] = [32, 28, 12];
const TOKEN: &str = "a-token-of-28-characters-001";

/// What the runner does with a task.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    /// Marks one voxel.
    Mark,
    /// Waits until it is told to stop.
    Wait,
    /// Waits until it is told to stop, and then shows the slices it solved last.
    Solve,
    /// Panics.
    Crash,
    /// Fails in a way that another attempt may not.
    Stumble,
}

/// Does its deeds in turn, the last one for ever.
struct Puppet {
    deeds: Vec<Deed>,
    n_runs: Arc<AtomicUsize>,
}

impl Runner for Puppet {
    fn kinds(&self) -> Vec<TaskKind> {
        vec![TaskKind::SegmentSlice, TaskKind::Propagate]
    }

    fn engines(&self, _device: &str) -> Vec<EngineName> {
        vec![EngineName::Graphcut]
    }

    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        let n = self.n_runs.fetch_add(1, Ordering::SeqCst);
        let image = assignment.lease.spec.inputs()[0];
        assert!(assignment.input(image).unwrap().is_file(), "the input is here");
        match self.deeds[n.min(self.deeds.len() - 1)] {
            Deed::Mark => Ok(mark(assignment)),
            Deed::Wait => {
                let stage = "solving".to_owned();
                control.progress(Progress { done: 1, total: 2, stage });
                while !control.is_cancelled() {
                    std::thread::yield_now();
                }
                Err(RunError::Stopped)
            }
            Deed::Solve => {
                control.progress(Progress { done: 1, total: 2, stage: "solving".to_owned() });
                while !control.is_cancelled() {
                    std::thread::yield_now();
                }
                control.partial(so_far());
                Err(RunError::Stopped)
            }
            Deed::Crash => panic!("the puppet crashes"),
            Deed::Stumble => Err(RunError::Failed(TaskFailure::new(
                FailureClass::Retryable,
                "stumbled",
                "the puppet stumbled",
            ))),
        }
    }
}

/// A voxel on each of slices 5 and 6.
fn so_far() -> RunSoFar {
    let mut mask = Labelmap::new(SHAPE);
    for slice in [5, 6] {
        let index = mask.index([3, 4, slice]);
        mask.voxels[index] = 1;
    }
    let slices = [5, 6]
        .map(|slice_index| SliceConfidence { slice_index, area_voxels: 1, uncertainty: 0.5 })
        .to_vec();
    let known = MaskSoFar { engine: identity(), slices, doubt: Some(0.5) };
    RunSoFar { mask: rle::encode(&mask), known }
}

fn identity() -> EngineIdentity {
    EngineIdentity { name: EngineName::Graphcut, version: "puppet".to_owned(), model: None }
}

fn mark(assignment: &Assignment) -> RunOutput {
    let TaskSpec::SegmentSlice(spec) = &assignment.lease.spec else { panic!("a slice was asked") };
    let slice_index = spec.prompt.slice.slice_index;
    let mut mask = Labelmap::new(SHAPE);
    let index = mask.index([3, 4, slice_index as usize]);
    mask.voxels[index] = 1;
    RunOutput::Mask(Box::new(MaskOutput {
        mask: rle::encode(&mask),
        extent: MaskExtent { axis: 2, first: slice_index, last: slice_index },
        slices: Vec::new(),
        doubt: None,
        engine: identity(),
        engine_ms: 0.5,
    }))
}

struct Stage {
    server: Server,
    url: String,
    folder: tempfile::TempDir,
    n_runs: Arc<AtomicUsize>,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::open(&url).await.unwrap();
        let settings = Settings {
            lease: Duration::from_secs(2),
            heartbeat: Duration::from_millis(500),
            token: Some(Token::new(TOKEN).unwrap()),
            ..Settings::default()
        };
        let engines = Arc::new(|| {
            vec![EngineStatus {
                name: EngineName::Graphcut,
                version: "puppet".to_owned(),
                ready: true,
                licence: "MIT".to_owned(),
                missing: None,
                missing_said: None,
                model: None,
                agents: Vec::new(),
            }]
        });
        let blobs = Arc::new(Folder::new(folder.path()).unwrap());
        let server = Server::new(store, blobs, Arc::new(SystemClock), settings, engines);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = routes::router(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let ticking = server.clone();
        tokio::spawn(async move { ticking.keep_time().await });
        Self { server, url, folder, n_runs: Arc::default() }
    }

    /// Starts an agent that does `deeds`; they are counted over all agents.
    fn enter(&self, deeds: &[Deed], stop: &CancellationToken) -> tokio::task::JoinHandle<()> {
        // Installed once for all tests of this process; a second time changes nothing.
        rustls::crypto::ring::default_provider().install_default().ok();
        let reach = Reach { server: self.url.clone(), ..Reach::default() };
        let cache = Cache::new(&self.folder.path().join("cache"), 1 << 30).unwrap();
        let connection = Http::new(reach, cache, Some(TOKEN)).unwrap();
        let puppet = Puppet { deeds: deeds.to_vec(), n_runs: Arc::clone(&self.n_runs) };
        let profile = Profile {
            name: "puppet".to_owned(),
            kinds: None,
            devices: vec![Device::new("cpu", 1)],
        };
        let agent = Agent::new(connection, puppet, profile);
        let stop = stop.clone();
        tokio::spawn(async move { agent.run(stop).await })
    }

    async fn open_phantom(&self) -> JobId {
        let phantom = phantom::phantom(&phantom::PhantomOptions::ct(SHAPE));
        let mut bytes = Vec::new();
        write_volume(&phantom.volume, MaskFormat::NiftiGz, &mut bytes).unwrap();
        let stream = futures::stream::iter([Ok::<_, std::convert::Infallible>(bytes.into())]);
        let incoming =
            incoming::receive(self.server.blobs.temporary(), stream, u64::MAX).await.unwrap();
        let file_name = "phantom.nii.gz".to_owned();
        let upload = Upload { incoming, file_name, name: None, modality: None };
        self.server.create_job(upload, &Person::default()).await.unwrap().job_id
    }

    async fn segment(&self, job_id: JobId, slice_index: u32) -> Task {
        let prompt = SlicePrompt {
            slice: SliceRef { axis: 2, slice_index },
            label: 1,
            bounds: Some([2.0, 2.0, 9.0, 9.0]),
            points: Vec::new(),
            scribbles: Vec::new(),
            mask: false,
            absent: false,
        };
        self.server.segment(job_id, SegmentWish::of(prompt), &Person::default()).await.unwrap()
    }

    /// Waits, from event to event, until a task satisfies `is_reached`.
    async fn until(&self, task_id: TaskId, is_reached: impl Fn(&Task) -> bool) -> Task {
        let mut events = self.server.store.watch_events();
        let reached = async {
            loop {
                events.mark_unchanged();
                let task = self.server.store.task(task_id).await.unwrap().task;
                if is_reached(&task) {
                    return task;
                }
                events.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached).await.expect("within 30 s")
    }

    async fn job(&self, job_id: JobId) -> Job {
        self.server.store.job(job_id).await.unwrap()
    }
}

fn has_ended(task: &Task) -> bool {
    task.state.is_final()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_fetched_run_and_delivered() {
    let stage = Stage::set().await;
    let stop = CancellationToken::new();
    let agent = stage.enter(&[Deed::Mark], &stop);
    let job_id = stage.open_phantom().await;
    let task = stage.segment(job_id, 5).await;
    let done = stage.until(task.task_id, has_ended).await;
    assert_eq!((done.state, done.attempt), (TaskState::Succeeded, 1));
    let job = stage.job(job_id).await;
    assert_eq!(job.summary.status, JobState::Segmented);
    let mask = job.head_revision.unwrap().mask;
    let labelmap = stage.server.labelmap(&job.summary.image, Some(&mask)).await.unwrap();
    assert_eq!(labelmap.get([3, 4, 5]), Some(1));
    assert_eq!(labelmap.count(1), 1);
    stop.cancel();
    agent.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_task_stops_its_run() {
    let stage = Stage::set().await;
    let stop = CancellationToken::new();
    stage.enter(&[Deed::Wait], &stop);
    let task = stage.segment(stage.open_phantom().await, 5).await;
    stage.until(task.task_id, |it| it.progress.done == 1).await;
    stage.server.store.cancel(task.task_id, &stage.server.act(&Person::default())).await.unwrap();
    let ended = stage.until(task.task_id, has_ended).await;
    assert_eq!(ended.state, TaskState::Cancelled);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_solved_while_a_propagation_is_being_stopped_are_kept() {
    let stage = Stage::set().await;
    let stop = CancellationToken::new();
    stage.enter(&[Deed::Mark, Deed::Solve], &stop);
    let job_id = stage.open_phantom().await;
    let task = stage.segment(job_id, 5).await;
    stage.until(task.task_id, has_ended).await;
    let nobody = Person::default();
    let wish = PropagateWish::default();
    let task = stage.server.propagate(job_id, wish, &nobody).await.unwrap();
    stage.until(task.task_id, |it| it.progress.done == 1).await;
    stage.server.store.cancel(task.task_id, &stage.server.act(&nobody)).await.unwrap();
    let ended = stage.until(task.task_id, has_ended).await;
    assert_eq!(ended.state, TaskState::Cancelled);
    let job = stage.job(job_id).await;
    let head = job.head_revision.unwrap();
    assert_eq!(head.slices, so_far().known.slices);
    let labelmap = stage.server.labelmap(&job.summary.image, Some(&head.mask)).await.unwrap();
    assert_eq!((labelmap.get([3, 4, 6]), labelmap.count(1)), (Some(1), 2));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_engine_is_a_failed_task_and_not_a_dead_agent() {
    let stage = Stage::set().await;
    let stop = CancellationToken::new();
    stage.enter(&[Deed::Crash, Deed::Crash, Deed::Mark], &stop);
    let job_id = stage.open_phantom().await;
    let task = stage.segment(job_id, 5).await;
    let failed = stage.until(task.task_id, has_ended).await;
    assert_eq!((failed.state, failed.attempt), (TaskState::Failed, 2), "a third would crash, too");
    let failure = failed.failure.unwrap();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Quarantined, "engine_crashed")
    );
    assert!(failed.failures.iter().all(|it| it.failure.message.contains("crashed")));
    let task = stage.segment(job_id, 5).await;
    assert_eq!(stage.until(task.task_id, has_ended).await.state, TaskState::Succeeded);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stumble_is_followed_by_another_attempt() {
    let stage = Stage::set().await;
    let stop = CancellationToken::new();
    stage.enter(&[Deed::Stumble, Deed::Mark], &stop);
    let task = stage.segment(stage.open_phantom().await, 5).await;
    let done = stage.until(task.task_id, has_ended).await;
    assert_eq!((done.state, done.attempt), (TaskState::Succeeded, 2));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_told_to_stop_hands_its_task_back() {
    let stage = Stage::set().await;
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let leaving = stage.enter(&[Deed::Wait, Deed::Mark], &first);
    let task = stage.segment(stage.open_phantom().await, 5).await;
    stage.until(task.task_id, |it| it.progress.done == 1).await;
    first.cancel();
    leaving.await.unwrap();
    let waiting = stage.server.store.task(task.task_id).await.unwrap().task;
    assert_eq!(waiting.state, TaskState::Queued);
    stage.enter(&[Deed::Mark], &second);
    let done = stage.until(task.task_id, has_ended).await;
    assert_eq!((done.state, done.attempt), (TaskState::Succeeded, 2));
    second.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_of_an_agent_that_vanishes_is_handed_on() {
    let stage = Stage::set().await;
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let vanishing = stage.enter(&[Deed::Wait, Deed::Mark], &first);
    let task = stage.segment(stage.open_phantom().await, 5).await;
    stage.until(task.task_id, |it| it.progress.done == 1).await;
    // No more heartbeats, no word of farewell.
    vanishing.abort();
    stage.enter(&[Deed::Mark], &second);
    let done = stage.until(task.task_id, has_ended).await;
    assert_eq!((done.state, done.attempt), (TaskState::Succeeded, 2));
    first.cancel();
    second.cancel();
}
