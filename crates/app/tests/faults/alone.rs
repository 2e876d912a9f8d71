//! `kill -9` of a server with an agent of its own, at seeded moments of upload, segmentation,
//! propagation and editing: after the restart nothing that was accepted is lost, no task hangs, no half
//! file is served, no event is missing.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::mpsc,
    time::{Duration, Instant},
};

use base64::Engine as _;
use protocol::task::TaskState;
use serde_json::{Value, json};
use server::blobs;
use volume::{Labelmap, MaskFormat, phantom, rle, write_volume};

use crate::{
    end::check_disk,
    fleet::{PATIENCE, turn},
    process::{ANY_PORT, Running, exchange, serve},
    random::{Random, n_points},
};

const SEED: u64 = 20_261_120;

const SHAPE: [usize; 3] = [64, 64, 24];

/// The longest that the work is left alone before the kill.
const MAX_LIFE_MS: u64 = 1_000;

/// An agent's lease, short so that a restart need not wait long for it.
const LEASE_SECS: &str = "2";

/// What the server said yes to.
#[derive(Debug, Default)]
struct Accepted {
    /// Job, and digest of its image.
    jobs: Vec<(String, String)>,
    tasks: Vec<String>,
    revisions: Vec<(String, String)>,
}

fn start(folder: &Path) -> Running {
    let mut command = serve(folder, ANY_PORT);
    command.env("LEASE_SECS", LEASE_SECS).env("HEARTBEAT_SECS", "1");
    Running::spawn(command)
}

/// The work of one person, noting what was accepted, until the server is gone.
fn work(address: &str, image: &[u8], seed: u64, accepted: &mut Accepted) -> std::io::Result<()> {
    let digest = blobs::digest(image).to_string();
    let form = [
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii.gz\"\r\n\r\n",
        image,
        b"\r\n--b--\r\n",
    ]
    .concat();
    let ask = |line: &str, body: &Value| {
        let (status, bytes) =
            exchange(address, line, "application/json", body.to_string().as_bytes())?;
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok::<(u16, Value), std::io::Error>((status, answer))
    };
    loop {
        let (status, answer) =
            exchange(address, "POST /api/v1/jobs", "multipart/form-data; boundary=b", &form)?;
        assert_eq!(status, 201);
        let created: Value = serde_json::from_slice(&answer).unwrap();
        let job = created["job_id"].as_str().unwrap().to_owned();
        accepted.jobs.push((job.clone(), digest.clone()));
        let path = format!("/api/v1/jobs/{job}");

        let first = u32::try_from(seed % 5).unwrap();
        let prompt = json!({ "axis": 2, "slice_index": 8 + first, "box": [14, 20, 40, 44] });
        let (status, queued) = ask(&format!("POST {path}/initial-mask"), &prompt)?;
        assert_eq!(status, 202);
        accepted.tasks.push(queued["task_id"].as_str().unwrap().to_owned());

        wait_while(address, &path, "segmenting")?;
        let (_, job_now) = ask(&format!("GET {path}"), &Value::Null)?;
        let patch = Labelmap { shape: [3, 3, 2], voxels: vec![2; 18] };
        let edit = json!({
            "parent": job_now["head"],
            "box": [[2, 2, 2], [4, 4, 3]],
            "rle_base64": base64::engine::general_purpose::STANDARD.encode(rle::encode(&patch)),
        });
        let (status, revision) = ask(&format!("POST {path}/revisions"), &edit)?;
        if status == 201 {
            let revision_id = revision["revision_id"].as_str().unwrap().to_owned();
            let (head, parent) = (&revision["revision_id"], &job_now["head"]);
            accepted.revisions.push((job, revision_id));
            for (from, to) in [(head, parent), (parent, head)] {
                let body = json!({ "head": to, "expected": from });
                let (status, moved) = ask(&format!("PUT {path}/head"), &body)?;
                assert_eq!((status, &moved["head"]), (200, to));
            }
        }
        let (status, queued) = ask(&format!("POST {path}/propagate"), &json!({}))?;
        if status == 202 {
            accepted.tasks.push(queued["task_id"].as_str().unwrap().to_owned());
            wait_while(address, &path, "propagating")?;
        }
    }
}

/// Asks until the job has another state.
fn wait_while(address: &str, path: &str, state: &str) -> std::io::Result<()> {
    loop {
        let line = format!("GET {path}/status");
        let (_, bytes) = exchange(address, &line, "application/json", b"")?;
        let status: Value = serde_json::from_slice(&bytes).unwrap();
        if status["status"] != state {
            return Ok(());
        }
    }
}

fn check_all_is_there(server: &Running, accepted: &Accepted) {
    let list = server.ask("GET /api/v1/jobs");
    let listed: BTreeSet<_> =
        list["jobs"].as_array().unwrap().iter().map(|it| it["job_id"].as_str().unwrap()).collect();
    for (job, digest) in &accepted.jobs {
        assert!(listed.contains(job.as_str()), "job {job} is lost");
        let line = format!("GET /api/v1/jobs/{job}/image");
        let (status, image) = exchange(&server.address, &line, "text/plain", b"").unwrap();
        assert_eq!((status, blobs::digest(&image).as_str()), (200, digest.as_str()));
    }
    for (job, revision) in &accepted.revisions {
        check_history(server, job);
        let line = format!("GET /api/v1/jobs/{job}/mask?revision={revision}");
        let (status, mask) = exchange(&server.address, &line, "text/plain", b"").unwrap();
        assert_eq!(status, 200, "revision {revision} is lost");
        let mask = rle::decode(&mask, SHAPE.iter().product()).unwrap();
        assert_eq!(mask.get([3, 3, 3]), Some(2));
    }
}

/// Head and redo are revisions of the job, one made from the other, and the prompts are those of a
/// mask: a move of the head is whole or not at all.
fn check_history(server: &Running, job: &str) {
    let shown = server.ask(&format!("GET /api/v1/jobs/{job}"));
    let history = server.ask(&format!("GET /api/v1/jobs/{job}/revisions"));
    let find = |id: &Value| {
        history["revisions"].as_array().unwrap().iter().find(|it| it["revision_id"] == *id)
    };
    assert!(find(&shown["head"]).is_some(), "{job} shows a revision that is not there");
    if let Some(redo) = find(&shown["redo"]) {
        assert_eq!(redo["parent"], shown["head"]);
    }
    assert_eq!(shown["prompts"].as_array().unwrap().len(), 1, "the box, whatever is shown");
}

/// Every accepted task ends: those of a dead server are granted again after their lease, and given
/// up with that reason when three servers in a row died under them.
fn check_every_task_ends(server: &Running, accepted: &Accepted) {
    let patience = Instant::now() + PATIENCE;
    let mut n_succeeded = 0;
    for task_id in &accepted.tasks {
        let task = loop {
            let task = server.ask(&format!("GET /api/v1/tasks/{task_id}"));
            let state: TaskState = serde_json::from_value(task["state"].clone()).unwrap();
            if state.is_final() {
                break task;
            }
            assert!(Instant::now() < patience, "task {task_id} hangs: {state:?}");
        };
        if task["state"] == "succeeded" {
            n_succeeded += 1;
        } else {
            assert_eq!(task["failure"]["code"], "agent_lost", "{task}");
        }
    }
    assert!(n_succeeded * 2 > accepted.tasks.len(), "most tasks survive the kills");
}

#[test]
fn nothing_accepted_is_lost_by_a_kill_at_any_moment() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(SEED);
    let mut accepted = Accepted::default();
    for point in 0..n_points() {
        let options = phantom::PhantomOptions { seed: point, ..phantom::PhantomOptions::ct(SHAPE) };
        let mut image = Vec::new();
        write_volume(&phantom::phantom(&options).volume, MaskFormat::NiftiGz, &mut image).unwrap();
        let server = start(folder.path());
        let address = server.address.clone();
        let (done, is_done) = mpsc::channel();
        let worker = std::thread::spawn(move || {
            let mut accepted = Accepted::default();
            let ended = work(&address, &image, point, &mut accepted);
            // The main thread has long stopped waiting by then.
            done.send(()).ok();
            (accepted, ended)
        });
        let life = Duration::from_millis(random.below(MAX_LIFE_MS));
        eprintln!("seed {SEED}, point {point}: killed after {life:?}");
        assert!(is_done.recv_timeout(life).is_err(), "the work goes on until the kill");
        server.kill();
        let (more, ended) = worker.join().unwrap();
        assert!(ended.is_err(), "the work ends with the server");
        accepted.jobs.extend(more.jobs);
        accepted.tasks.extend(more.tasks);
        accepted.revisions.extend(more.revisions);
        check_disk(folder.path());
    }
    assert!(!accepted.revisions.is_empty(), "the kills left time for some work");
    let server = start(folder.path());
    check_every_task_ends(&server, &accepted);
    check_all_is_there(&server, &accepted);
    server.kill();
    check_disk(folder.path());
    let left = std::fs::read_dir(folder.path().join("data/incoming")).unwrap().count();
    assert_eq!(left, 0, "an unfinished upload stays behind");
}
