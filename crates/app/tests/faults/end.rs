//! What must hold in the end, whatever happened before.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use protocol::{event::EventBody, id::TaskId, task::TaskState};
use serde_json::Value;
use server::{blobs, store::Store};

use crate::fleet::Fleet;

/// Older than anything that is kept for somebody who may still come.
const LONG_AGO: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// How many tasks ended how.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    pub(crate) n_succeeded: usize,
    pub(crate) n_others: usize,
}

impl Fleet {
    /// Every task ends, with a result, a reason, or because it was withdrawn. A sweep long after leaves
    /// every result; once all is deleted, it leaves nothing.
    pub(crate) fn check_end(mut self) -> Ends {
        let (mut ends, mut results) = (Ends::default(), Vec::new());
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        for id in &tasks {
            let task = self.until(id, |it| it["finished_ms"].is_i64());
            match task["state"].as_str().unwrap() {
                "succeeded" => {
                    ends.n_succeeded += 1;
                    self.check_result(id, &task);
                    results.push((id.clone(), task));
                }
                "failed" => {
                    let reason = task["failure"]["message"].as_str().unwrap();
                    assert!(!reason.is_empty(), "{task:#}");
                    ends.n_others += 1;
                }
                "cancelled" => ends.n_others += 1,
                other => panic!("{other} is no end"),
            }
        }
        for n in self.running() {
            self.dismiss(n);
            let left = fs::read_dir(self.home(n).join("temp/programs")).unwrap().count();
            assert_eq!(left, 0, "folders of programs are left of agent {n}");
        }
        self.sweep_long_after();
        for (id, task) in &results {
            self.check_result(id, task);
        }
        for id in tasks {
            // Those of a job go with it.
            let (status, _) = self.call(&format!("DELETE /api/v1/requests/{id}"), b"");
            assert!([204, 404].contains(&status), "{status}");
        }
        for job in &self.jobs {
            self.ask(&format!("DELETE /api/v1/jobs/{job}"), &Value::Null);
        }
        self.sweep_long_after();
        self.kill_server();
        let folder = self.folder.path();
        for name in ["data/blobs", "data/incoming"] {
            assert_eq!(files(&folder.join(name)), [] as [PathBuf; 0], "left after the clean-up");
        }
        ends
    }

    /// The server's clean-up, when nothing is young enough to be kept for somebody who may still come.
    fn sweep_long_after(&mut self) {
        self.kill_server();
        check_disk(self.folder.path());
        make_old(&self.folder.path().join("data"));
        self.start_server();
        self.ask("POST /api/v1/system/cleanup", &Value::Null);
    }

    /// A run brought back what it was told; result and files are of one attempt.
    fn check_result(&self, id: &str, task: &Value) {
        if task["kind"] != "external" {
            return;
        }
        let request = self.ask(&format!("GET /api/v1/requests/{id}"), &Value::Null);
        let (result, files) = (&request["output"]["result"], &request["output"]["files"]);
        assert_eq!(result["task_id"], *id, "the result of another task");
        for file in files.as_array().unwrap() {
            let name = file["name"].as_str().unwrap();
            let (status, bytes) =
                self.call(&format!("GET /api/v1/requests/{id}/files/{name}"), b"");
            assert_eq!(status, 200);
            assert_eq!(blobs::digest(&bytes).as_str(), file["sha256"].as_str().unwrap());
            if name == "place.txt" {
                let folder = format!("{}\n", result["folder"].as_str().unwrap());
                assert_eq!(String::from_utf8(bytes).unwrap(), folder, "two attempts mixed");
            }
        }
    }
}

/// What lies on the disk while no server runs: events without a gap, each task ended at most once, no
/// half file.
pub(crate) fn check_disk(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}?mode=rwc", folder.join("data/voxloop.db").display());
        let store = Store::open(&url).await.unwrap();
        let events = store.events_after(0, None, i64::MAX).await.unwrap();
        let numbers: Vec<_> = events.iter().map(|it| it.event_id).collect();
        let expected: Vec<_> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "the event list has a gap");
        let mut ended: BTreeMap<TaskId, TaskState> = BTreeMap::new();
        for event in events {
            if let EventBody::QueueUpdate(task) = event.body {
                let before = ended.get(&task.task_id);
                assert!(before.is_none(), "{} was {before:?}, then {:?}", task.task_id, task.state);
                if task.state.is_final() {
                    ended.insert(task.task_id, task.state);
                }
            }
        }
        store.close().await;
    });
    for path in files(&folder.join("data/blobs")) {
        let digest = blobs::digest(&fs::read(&path).unwrap());
        assert_eq!(path.file_name().unwrap().to_str(), Some(digest.as_str()), "half a file");
    }
}

/// All files in a folder and those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Lets files look as if nobody had touched them for long.
fn make_old(folder: &Path) {
    let then = SystemTime::now() - LONG_AGO;
    for name in ["blobs", "incoming"] {
        for path in files(&folder.join(name)) {
            File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
        }
    }
}
