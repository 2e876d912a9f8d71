//! Withdrawing a task reaches the engine of an agent in another process at once, not with its next
//! heartbeat: here heartbeats are an hour apart.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use process::{ANY_PORT, Running, exchange, serve};
use serde_json::{Value, json};
use volume::{MaskFormat, phantom, write_volume};

/// Solving it takes much longer than withdrawing it.
const SHAPE: [usize; 3] = [192, 192, 96];

/// A task that is not where it should be by then hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// `voxloop agent`; killed with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn open_phantom(server: &Running) -> String {
    let mut bytes = Vec::new();
    let phantom = phantom::phantom(&phantom::PhantomOptions::ct(SHAPE));
    write_volume(&phantom.volume, MaskFormat::Nifti, &mut bytes).unwrap();
    let form = [
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii\"\r\n\r\n",
        &bytes[..],
        b"\r\n--b--\r\n",
    ]
    .concat();
    let form_type = "multipart/form-data; boundary=b";
    let sent = exchange(&server.address, "POST /api/v1/jobs", form_type, &form);
    let (status, answer) = sent.unwrap();
    assert_eq!(status, 201);
    let job: Value = serde_json::from_slice(&answer).unwrap();
    job["job_id"].as_str().unwrap().to_owned()
}

fn queue(server: &Running, path: &str, body: &Value) -> String {
    let queued = server.ask(&format!("POST {path}\n{body}"));
    queued["task_id"].as_str().unwrap().to_owned()
}

fn until(server: &Running, task: &str, is_reached: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let now = server.ask(&format!("GET /api/v1/tasks/{task}"));
        if is_reached(&now) {
            return now;
        }
        assert!(since.elapsed() < PATIENCE, "it hangs: {now}");
    }
}

#[test]
fn a_withdrawal_reaches_the_engine_of_another_process_before_the_next_heartbeat() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(folder.path(), ANY_PORT);
    command.args(["--no-agent", "--heartbeat-secs", "3600", "--lease-secs", "7200"]);
    let server = Running::spawn(command);
    let agent = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["agent", "--server", &format!("http://{}", server.address)])
        .args(["--name", "far-away", "--devices", "cpu", "--kinds", "segment_slice,propagate"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut agent = Agent(agent);
    let job = format!("/api/v1/jobs/{}", open_phantom(&server));
    let prompt = json!({ "axis": 2, "slice_index": 48, "box": [48, 48, 144, 144] });
    let first = queue(&server, &format!("{job}/initial-mask"), &prompt);
    let done = until(&server, &first, |it| it["state"] == "succeeded");
    assert_eq!((&done["agent"], &done["device"]), (&json!("far-away"), &json!("cpu")));

    let task = queue(&server, &format!("{job}/propagate"), &json!({}));
    until(&server, &task, |it| {
        ["solving", "uncertainty"].contains(&it["progress"]["stage"].as_str().unwrap())
    });
    server.ask(&format!("POST /api/v1/tasks/{task}/cancel\n{{}}"));
    let ended = until(&server, &task, |it| it["finished_ms"].is_i64());
    assert_eq!(ended["state"], "cancelled");
    let log = server.ask(&format!("GET /api/v1/tasks/{task}/log"));
    let lines = log["lines"].as_array().unwrap();
    let steps: Vec<_> = lines.iter().map(|it| it["step"].as_str().unwrap()).collect();
    assert_eq!(&steps[steps.len() - 2..], ["cancel_requested", "cancelled"]);

    // The agent's only place is free: its engine has stopped, too.
    let prompt = json!({ "axis": 2, "slice_index": 40, "box": [48, 48, 144, 144] });
    let next = queue(&server, &format!("{job}/initial-mask"), &prompt);
    until(&server, &next, |it| it["state"] == "succeeded");
    server.kill();
    assert!(agent.0.try_wait().unwrap().is_none(), "an agent waits for its server to come back");
}
