//! A laboratory's own program behind a server and an agent, each a process of its own.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use process::{ANY_PORT, Running, exchange, serve};
use serde_json::Value;

/// A test that waits longer for something does not wait for it any more: that is no measure of speed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Starts two grandchildren that do not listen to SIGTERM, says so, and waits.
const STUBBORN: &str = r#"
trap '' TERM
cd "$1"
sh -c 'sleep 1000 & echo $! > pid1; wait' &
sh -c 'sleep 1000 & echo $! > pid2; wait' &
while [ ! -s pid1 ] || [ ! -s pid2 ]; do :; done
echo "voxloop: 1/2 waiting"
wait
"#;

/// An agent process; killed with the test.
struct Agent(Child);

impl Agent {
    fn start(folder: &Path, server: &Running, exec: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
        command
            .args(["agent", "--server", &format!("http://{}", server.address), "--exec", exec])
            .args(["--exec-name", "lab", "--name", "gpu-box"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Already gone where the test stopped it.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn ask_for_a_run(server: &Running) -> String {
    let made = server.ask("POST /api/v1/requests\n{\"program\":\"lab\"}");
    made["request_id"].as_str().unwrap().to_owned()
}

/// Asks until `is_so` holds of the request.
fn until(server: &Running, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let patience = Instant::now() + PATIENCE;
    loop {
        let request = server.ask(&format!("GET /api/v1/requests/{id}"));
        if is_so(&request) {
            return request;
        }
        assert_ne!(request["status"], "failed", "{request}");
        assert!(Instant::now() < patience, "it does not come to that: {request}");
        std::thread::yield_now();
    }
}

fn check_nothing_lives(folder: &Path) {
    for name in ["pid1", "pid2"] {
        let pid = fs::read_to_string(folder.join(name)).unwrap();
        let state = Command::new("ps").args(["-o", "stat=", "-p", pid.trim()]).output().unwrap();
        let state = String::from_utf8(state.stdout).unwrap();
        assert!(state.trim().is_empty() || state.starts_with('Z'), "{name} is left: {state}");
        fs::remove_file(folder.join(name)).unwrap();
    }
    assert_eq!(fs::read_dir(folder.join("temp/programs")).unwrap().count(), 0);
}

#[test]
fn a_withdrawn_program_and_one_of_a_stopped_agent_leave_nothing() {
    let (home, lab) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = serve(home.path(), ANY_PORT);
    command.arg("--no-agent");
    let server = Running::spawn(command);
    let script = lab.path().join("lab.sh");
    fs::write(&script, STUBBORN).unwrap();
    let exec = format!("sh '{}' '{}'", script.display(), lab.path().display());
    let agent = Agent::start(lab.path(), &server, &exec);

    let id = ask_for_a_run(&server);
    let running = until(&server, &id, |it| it["progress"]["done"] == 1);
    assert_eq!(running["progress"]["stage"], "waiting");
    server.send(&format!("POST /api/v1/tasks/{id}/cancel\n{{}}"));
    until(&server, &id, |it| it["status"] == "cancelled");
    check_nothing_lives(lab.path());

    let id = ask_for_a_run(&server);
    until(&server, &id, |it| it["progress"]["done"] == 1);
    agent.stop();
    check_nothing_lives(lab.path());
    let handed_back = server.ask(&format!("GET /api/v1/requests/{id}"));
    assert_eq!((&handed_back["status"], &handed_back["attempt"]), (&"queued".into(), &1.into()));

    // Another agent has another program under the same name.
    let exec =
        "sh -c 'echo 42 > $VOXLOOP_FOLDER/out/result.json; echo x > $VOXLOOP_FOLDER/out/a.txt'";
    let _agent = Agent::start(lab.path(), &server, exec);
    let done = until(&server, &id, |it| it["status"] == "succeeded");
    assert_eq!((&done["output"]["result"], &done["agent"]), (&42.into(), &"gpu-box".into()));
    let file = format!("GET /api/v1/requests/{id}/files/a.txt");
    assert_eq!(
        exchange(&server.address, &file, "text/plain", b"").unwrap(),
        (200, b"x\n".to_vec())
    );
    server.kill();
}

#[test]
fn an_agent_that_was_killed_ends_what_its_program_left_when_it_comes_again() {
    let (home, lab) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = serve(home.path(), ANY_PORT);
    command.args(["--no-agent", "--lease-secs", "2", "--heartbeat-secs", "1"]);
    let server = Running::spawn(command);
    let script = lab.path().join("lab.sh");
    fs::write(&script, STUBBORN).unwrap();
    let exec = format!("sh '{}' '{}'", script.display(), lab.path().display());
    let agent = Agent::start(lab.path(), &server, &exec);
    let id = ask_for_a_run(&server);
    until(&server, &id, |it| it["progress"]["done"] == 1);
    // `kill -9`: no word of farewell, and the program runs on.
    drop(agent);
    let _agent =
        Agent::start(lab.path(), &server, "sh -c 'echo 1 > $VOXLOOP_FOLDER/out/result.json'");
    let done = until(&server, &id, |it| it["status"] == "succeeded");
    assert_eq!(done["attempt"], 2);
    check_nothing_lives(lab.path());
    server.kill();
}

#[test]
fn a_program_is_not_given_what_opens_the_database_and_the_bucket() {
    let home = tempfile::tempdir().unwrap();
    let mut command = serve(home.path(), ANY_PORT);
    let exec = r#"sh -c 'printf "\"$DATABASE_URL$JOIN_TOKEN$AWS_SECRET_ACCESS_KEY/$LAB_HOME\"" > "$VOXLOOP_FOLDER/out/result.json"'"#;
    command.args(["--exec", exec, "--exec-name", "lab"]).envs([
        ("DATABASE_URL", "sqlite://lab.db?mode=rwc"),
        ("JOIN_TOKEN", "vxj_1"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("LAB_HOME", "opt"),
    ]);
    let server = Running::spawn(command);
    let id = ask_for_a_run(&server);
    let done = until(&server, &id, |it| it["status"] == "succeeded");
    assert_eq!(done["output"]["result"], "/opt");
    server.kill();
}
