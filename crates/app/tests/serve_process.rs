//! `voxloop serve` as a process: what it says when it cannot start, and what survives its death.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use process::{ANY_PORT, Running, serve};

const TOKEN: &str = "a-token-of-28-characters-001";

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
    if cfg!(target_os = "linux") {
        check_refusal(&output, &[&format!("(process {})", std::process::id())]);
    }
}

#[test]
fn off_loopback_a_name_is_needed_and_a_token_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let output = serve(folder.path(), "0.0.0.0:0").output().unwrap();
    check_refusal(&output, &["0.0.0.0:0", "--public-url", "127.0.0.1"]);
    let with_token = |text: &str| {
        std::fs::write(folder.path().join("token"), text).unwrap();
        let mut command = serve(folder.path(), "0.0.0.0:0");
        command.args(["--token-file", "token"]);
        command
    };
    check_refusal(&with_token("short").output().unwrap(), &["--token-file token", "20", "openssl"]);
    check_refusal(&with_token(TOKEN).output().unwrap(), &["--public-url"]);
    let mut odd = with_token(TOKEN);
    check_refusal(&odd.args(["--public-url", "seg.lab"]).output().unwrap(), &["--public-url"]);
    let mut absent = serve(folder.path(), "0.0.0.0:0");
    let absent = absent.args(["--token-file", "no-such-file"]).output().unwrap();
    check_refusal(&absent, &["--token-file no-such-file"]);
}

#[test]
fn off_loopback_only_the_public_name_and_the_token_pass() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    let mut command = serve(folder.path(), "0.0.0.0:0");
    command.args(["--token-file", "token", "--public-url", "http://seg.lab.example:8000"]);
    let server = Running::spawn(command);
    let port = server.address.rsplit_once(':').unwrap().1;
    let address = format!("127.0.0.1:{port}");
    let ask = |host: &str, token: &str| {
        let line =
            format!("GET /api/v1/jobs HTTP/1.0\r\nhost: {host}\r\nauthorization: {token}\r\n\r\n");
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let right = format!("Bearer {TOKEN}");
    assert_eq!(ask("seg.lab.example:8000", &right), "200");
    assert_eq!(ask("seg.lab.example:8000", "Bearer wrong"), "401");
    assert_eq!(ask("evil.example:8000", &right), "403");
    server.kill();
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
fn settings_that_contradict_each_other_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (args, words) in [
        (&["--no-agent", "--exec", "true"][..], ["--no-agent", "--exec"]),
        (
            &["--no-agent", "--use-local-inference", "false"],
            ["--no-agent", "--use-local-inference"],
        ),
        (&["--exec", "true", "--use-local-inference", "true"], ["--exec", "--use-local-inference"]),
        (&["--exec-name", "lab"], ["--exec-name", "--exec"]),
        (&["--max-concurrent-jobs", "0"], ["--max-concurrent-jobs", "1..=256"]),
        (&["--slice-time-limit", "0"], ["--slice-time-limit", "0 is not in"]),
        (&["--lease-secs", "18446744073709551615"], ["--lease-secs", "is not in"]),
        (&["--lease-secs", "10", "--heartbeat-secs", "6"], ["--heartbeat-secs 6", "--lease-secs"]),
    ] {
        check_refusal(&serve(folder.path(), ANY_PORT).args(args).output().unwrap(), &words);
    }
    for (args, word) in [
        (&["--kinds", "external"][..], "--exec"),
        (&["--kinds", "propagate", "--exec", "true"], "--kinds"),
    ] {
        let mut agent = Command::new(env!("CARGO_BIN_EXE_voxloop"));
        agent.current_dir(folder.path()).args(["agent", "--server", "http://127.0.0.1:9"]);
        check_refusal(&agent.args(args).output().unwrap(), &[word]);
    }
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

#[cfg(unix)]
#[test]
fn folders_that_the_server_makes_are_its_own_users() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    for made in ["data", "temp"] {
        let mode = std::fs::metadata(folder.path().join(made)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{made}");
    }
    server.kill();
}

/// Server and agent of the settings to begin with find each other as they stand there.
#[test]
fn the_settings_to_begin_with_name_the_port_that_is_listened_on() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/env.example");
    let text = std::fs::read_to_string(file).unwrap();
    let value = |name: &str| {
        // The agent's are without effect until their `#` is taken away.
        let lines = text.lines().map(|it| it.trim_start_matches('#'));
        let mut values = lines.filter_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        values.next().unwrap().to_owned()
    };
    let listen = value("LISTEN");
    let (_, port) = listen.rsplit_once(':').unwrap();
    assert_eq!(value("PUBLIC_URL"), format!("https://voxloop.example.org:{port}"));
    assert_eq!(value("VOXLOOP_SERVER"), value("PUBLIC_URL"));
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
