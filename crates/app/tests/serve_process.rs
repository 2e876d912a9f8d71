//! `voxloop serve` as a process: what it says when it cannot start, and what survives its death.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

const ANY_PORT: &str = "127.0.0.1:0";

fn serve(folder: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    command
        .args(["serve", "--listen", listen])
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A started server; killed with the test.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    /// Starts a server and reads from its log where it is.
    fn start(folder: &Path) -> Self {
        let mut child = serve(folder, ANY_PORT).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        // The log is read on, so that the server never waits for a full pipe.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    /// Sends `METHOD /path`, with a JSON body on a second line where there is one.
    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (line, body) = request.split_once('\n').unwrap_or((request, ""));
        write!(
            stream,
            "{line} HTTP/1.0\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.split(' ').nth(1).unwrap().starts_with('2'), "{answer}");
        body.to_owned()
    }

    fn ask(&self, request: &str) -> Value {
        serde_json::from_str(&self.send(request)).unwrap()
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone where the test killed it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn check_refusal(output: &Output, words: &[&str]) {
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
}

#[test]
fn a_taken_port_is_said_with_the_flag_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = serve(folder.path(), &address).output().unwrap();
    check_refusal(&output, &["--listen", &address]);
}

#[test]
fn an_address_off_loopback_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = serve(folder.path(), "0.0.0.0:0").output().unwrap();
    check_refusal(&output, &["0.0.0.0:0", "loopback"]);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("occupied"), b"a file").unwrap();
    let output = serve(folder.path(), ANY_PORT).args(["--data-dir", "occupied/data"]).output().unwrap();
    check_refusal(&output, &["--data-dir", "occupied/data"]);
}

#[test]
fn settings_come_from_an_env_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATA_ROOT=./elsewhere\n").unwrap();
    let server = Running::start(folder.path());
    assert_eq!(server.ask("GET /health")["status"], "ok");
    assert!(folder.path().join("elsewhere/voxloop.db").is_file());
    server.kill();
}

#[test]
fn what_was_accepted_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path());
    let created = server.ask("POST /api/v1/sample");
    let job_id = created["job_id"].as_str().unwrap();
    let body = r#"{"axis":2,"slice_index":30,"absent":true}"#;
    server.send(&format!("PUT /api/v1/jobs/{job_id}/prompts\n{body}"));
    server.kill();

    let server = Running::start(folder.path());
    let job = server.ask(&format!("GET /api/v1/jobs/{job_id}"));
    assert_eq!(job["image"], created["image"]);
    assert_eq!(job["prompts"][0]["slice_index"], 30);
    server.kill();
}
