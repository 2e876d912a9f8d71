//! A server without an agent of its own, agents elsewhere, and a line between them; each is a process
//! that can be killed, stopped and started again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use volume::{MaskFormat, phantom, write_volume};

use crate::{
    line::Line,
    process::{ANY_PORT, Running, exchange, serve},
};

const TOKEN: &str = "a-token-of-28-characters-001";

/// A test that waits longer for something does not wait for it any more: that is no measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Brings back what it was told, its inputs, and where it ran: another file with each attempt.
pub(crate) const COPY: &str = r#"
echo "voxloop: 1/2 copying"
echo "a line for the log"
cd "$VOXLOOP_FOLDER"
cp inputs/* out/ 2>/dev/null
cp task.json out/result.json
echo "$VOXLOOP_FOLDER" > out/place.txt
"#;

/// One test at a time: leases of 2 s ask that the machine is not full of other tests' agents.
static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test of faults runs.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    // A test that failed leaves nothing behind that the next one could meet.
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How `voxloop` is started in a folder.
pub(crate) type Start = Box<dyn Fn(&Path) -> Command>;

/// `voxloop` as it is.
pub(crate) fn voxloop() -> Command {
    Command::new(env!("CARGO_BIN_EXE_voxloop"))
}

/// A server and its agents; all are gone when this is dropped.
pub(crate) struct Fleet {
    pub(crate) line: Line,
    pub(crate) server: Option<Running>,
    agents: Vec<Option<Child>>,
    /// Everything that was asked for.
    pub(crate) tasks: Mutex<Vec<String>>,
    pub(crate) jobs: Vec<String>,
    start_server: Start,
    script: PathBuf,
    pub(crate) folder: TempDir,
    /// Given up after all of the above is gone.
    _turn: MutexGuard<'static, ()>,
}

impl Fleet {
    /// A server, and no agent yet; those that come run `script` in a shell.
    pub(crate) fn new(script: &str) -> Self {
        Self::on(Box::new(|_| voxloop()), script)
    }

    /// The same with a server that is started so.
    pub(crate) fn on(start_server: Start, script: &str) -> Self {
        let turn = turn();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), TOKEN).unwrap();
        let path = folder.path().join("lab.sh");
        fs::write(&path, script).unwrap();
        let mut fleet = Self {
            line: Line::new(),
            server: None,
            agents: Vec::new(),
            tasks: Mutex::default(),
            jobs: Vec::new(),
            start_server,
            script: path,
            folder,
            _turn: turn,
        };
        fleet.start_server();
        fleet
    }

    pub(crate) fn start_server(&mut self) {
        let like = serve(self.folder.path(), ANY_PORT);
        let mut command = (self.start_server)(self.folder.path());
        command
            .args(like.get_args())
            .args(["--no-agent", "--token-file", "token"])
            .args(["--lease-secs", "2", "--heartbeat-secs", "1"])
            .current_dir(self.folder.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let server = Running::spawn(command);
        self.line.lead_to(&server.address);
        self.server = Some(server);
    }

    pub(crate) fn server(&self) -> &Running {
        self.server.as_ref().expect("the server was started")
    }

    /// `kill -9`.
    pub(crate) fn kill_server(&mut self) {
        self.server.take().unwrap().kill();
    }

    /// The folder of an agent.
    pub(crate) fn home(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("agent-{n}"))
    }

    /// Starts agent `n`, new or again, with its folder as it was left.
    pub(crate) fn start_agent(&mut self, n: usize) {
        self.start_agent_as(n, &|_| voxloop());
    }

    /// The same, started so.
    pub(crate) fn start_agent_as(&mut self, n: usize, start: &dyn Fn(&Path) -> Command) {
        let home = self.home(n);
        fs::create_dir_all(&home).unwrap();
        let mut command = start(&home);
        for name in ["HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command
            .args(["agent", "--server", &self.line.url, "--token-file", "../token"])
            .args(["--kinds", "segment_slice,external", "--poll-interval", "1"])
            .args(["--exec-name", "lab", "--exec", &format!("sh '{}'", self.script.display())])
            .args(["--name", &format!("agent-{n}")])
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.agents.len() <= n {
            self.agents.resize_with(n + 1, || None);
        }
        self.agents[n] = Some(command.spawn().unwrap());
    }

    /// `kill -9`.
    pub(crate) fn kill_agent(&mut self, n: usize) {
        let mut agent = self.agents[n].take().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// Asks an agent to stop, and waits until it has.
    pub(crate) fn dismiss(&mut self, n: usize) {
        signal(self.pid(n), "TERM");
        assert!(self.agents[n].take().unwrap().wait().unwrap().success());
    }

    pub(crate) fn pid(&self, n: usize) -> u32 {
        self.agents[n].as_ref().expect("this agent was started").id()
    }

    /// The agents that run.
    pub(crate) fn running(&mut self) -> Vec<usize> {
        let runs =
            |it: &mut Option<Child>| it.as_mut().is_some_and(|it| it.try_wait().unwrap().is_none());
        let agents = self.agents.iter_mut().enumerate();
        agents.filter_map(|(n, it)| runs(it).then_some(n)).collect()
    }

    /// Status and body of what the server itself answers.
    pub(crate) fn call(&self, line: &str, body: &[u8]) -> (u16, Vec<u8>) {
        // The header is the last of those that are the caller's.
        let headers = format!("application/json\r\nauthorization: Bearer {TOKEN}");
        exchange(&self.server().address, line, &headers, body).unwrap()
    }

    pub(crate) fn ask(&self, line: &str, body: &Value) -> Value {
        let (status, answer) = self.call(line, body.to_string().as_bytes());
        assert!((200..300).contains(&status), "{line}: {status} {answer:?}");
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    /// Asks for a run with this input.
    pub(crate) fn ask_for_a_run(&self, input: &[u8]) -> String {
        let (status, answer) = self.call("POST /api/v1/requests/inputs", input);
        assert_eq!(status, 201);
        let file: Value = serde_json::from_slice(&answer).unwrap();
        let inputs = json!([{ "name": "input.bin", "sha256": file["sha256"] }]);
        let body = json!({ "program": "lab", "inputs": inputs });
        let made = self.ask("POST /api/v1/requests", &body);
        self.noted(&made["request_id"])
    }

    /// Uploads a small image: a job.
    pub(crate) fn open_job(&mut self) {
        let phantom = phantom::phantom(&phantom::PhantomOptions::ct([24, 24, 12]));
        let mut image = Vec::new();
        write_volume(&phantom.volume, MaskFormat::NiftiGz, &mut image).unwrap();
        let form = [
            b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii.gz\"\r\n\r\n",
            &image[..],
            b"\r\n--b--\r\n",
        ]
        .concat();
        let headers = format!("multipart/form-data; boundary=b\r\nauthorization: Bearer {TOKEN}");
        let address = &self.server().address;
        let (status, answer) = exchange(address, "POST /api/v1/jobs", &headers, &form).unwrap();
        assert_eq!(status, 201);
        let job: Value = serde_json::from_slice(&answer).unwrap();
        self.jobs.push(job["job_id"].as_str().unwrap().to_owned());
    }

    /// Asks for a slice of the newest job; one that is asked for again is withdrawn first.
    pub(crate) fn ask_for_a_slice(&self, slice_index: u64) -> String {
        let job = self.jobs.last().expect("a job was opened");
        let prompt = json!({ "axis": 2, "slice_index": slice_index, "box": [4, 4, 18, 18] });
        let queued = self.ask(&format!("POST /api/v1/jobs/{job}/initial-mask"), &prompt);
        self.noted(&queued["task_id"])
    }

    fn noted(&self, id: &Value) -> String {
        let id = id.as_str().unwrap().to_owned();
        self.tasks.lock().unwrap().push(id.clone());
        id
    }

    /// Asks until `is_so` holds of a task.
    pub(crate) fn until(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let patience = Instant::now() + PATIENCE;
        loop {
            let task = self.ask(&format!("GET /api/v1/tasks/{id}"), &Value::Null);
            if is_so(&task) {
                return task;
            }
            assert!(Instant::now() < patience, "it does not come to that: {task:#}");
            std::thread::yield_now();
        }
    }

    /// A request once it has ended.
    pub(crate) fn end_of_run(&self, id: &str) -> Value {
        let patience = Instant::now() + PATIENCE;
        loop {
            let line = format!("GET /api/v1/requests/{id}?wait_secs=10");
            let request = self.ask(&line, &Value::Null);
            if !["queued", "leased"].contains(&request["status"].as_str().unwrap()) {
                return request;
            }
            assert!(Instant::now() < patience, "the request hangs: {request:#}");
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for agent in self.agents.iter_mut().flatten() {
            // Already gone where the test killed it.
            agent.kill().ok();
            agent.wait().ok();
        }
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Writes a file whose readers see all of it or what was there before.
#[cfg(target_os = "linux")]
pub(crate) fn put(folder: &Path, name: &str, text: &str) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}
