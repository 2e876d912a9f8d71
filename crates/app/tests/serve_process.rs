//! `voxloop serve` as a process: what it says when it cannot start, and what survives its death.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{net::TcpListener, path::Path, process::Output};

use process::{ANY_PORT, Running, serve};

fn start(folder: &Path) -> Running {
    Running::spawn(serve(folder, ANY_PORT))
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
    let output =
        serve(folder.path(), ANY_PORT).args(["--data-dir", "occupied/data"]).output().unwrap();
    check_refusal(&output, &["--data-dir", "occupied/data"]);
}

#[test]
fn settings_come_from_an_env_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATA_ROOT=./elsewhere\n").unwrap();
    let server = start(folder.path());
    assert_eq!(server.ask("GET /health")["status"], "ok");
    assert!(folder.path().join("elsewhere/voxloop.db").is_file());
    server.kill();
}

#[test]
fn what_was_accepted_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let created = server.ask("POST /api/v1/sample");
    let job_id = created["job_id"].as_str().unwrap();
    let body = r#"{"axis":2,"slice_index":30,"absent":true}"#;
    server.send(&format!("PUT /api/v1/jobs/{job_id}/prompts\n{body}"));
    server.kill();

    let server = start(folder.path());
    let job = server.ask(&format!("GET /api/v1/jobs/{job_id}"));
    assert_eq!(job["image"], created["image"]);
    assert_eq!(job["prompts"][0]["slice_index"], 30);
    server.kill();
}
