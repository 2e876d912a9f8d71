//! `voxloop serve` and `voxloop doctor` in trouble: a newer or damaged database, damaged files, no
//! room. One clear message each, nothing mended in silence, nothing half written.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use process::{ANY_PORT, Running, exchange, serve};
use serde_json::Value;
use sqlx::Connection;

fn doctor(folder: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .arg("doctor")
        .args(flags)
        .env("LISTEN", ANY_PORT)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// A check of `voxloop doctor --json`, and whether it ended with 0.
fn check(folder: &Path, name: &str) -> (Value, bool) {
    let output = doctor(folder, &["--json", "--blobs", "all"]);
    let diagnosis: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = diagnosis["checks"].as_array().unwrap();
    let check = checks.iter().find(|it| it["name"] == name).unwrap();
    (check.clone(), output.status.success())
}

/// One line, an exit code that is not 0, and these words.
fn check_refusal(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().filter(|it| it.starts_with("voxloop: ")).collect();
    let [line] = lines[..] else { panic!("expected one message, got: {said}") };
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(line.contains(word), "`{word}` is missing in: {line}");
    }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut folders, mut found) = (vec![folder.to_owned()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A data folder with one job, whose server was killed.
fn used_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let created = server.ask("POST /api/v1/sample");
    server.kill();
    let sha256 = created["image"]["sha256"].as_str().unwrap();
    let image = folder.path().join("data/blobs").join(&sha256[..2]).join(sha256);
    (folder, image)
}

fn run_sql(folder: &Path, sql: &'static str) {
    let url = format!("sqlite://{}", folder.join("data/voxloop.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    });
}

#[test]
fn doctor_makes_nothing_and_changes_nothing() {
    let empty = tempfile::tempdir().unwrap();
    let output = doctor(empty.path(), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none(), "a folder was made");

    // As a first start without room leaves it.
    fs::create_dir(empty.path().join("data")).unwrap();
    fs::write(empty.path().join("data/voxloop.db"), b"").unwrap();
    let (database, is_well) = check(empty.path(), "database");
    assert!(is_well && database["state"] == "note", "{database}");

    let (folder, _) = used_folder();
    let changes_nothing = |what: &str| {
        let before = files(folder.path());
        let (database, is_well) = check(folder.path(), "database");
        assert!(is_well && database["found"].as_str().unwrap().contains("1 job"), "{database}");
        let after = files(folder.path());
        let changed = after.iter().filter(|(at, it)| before.get(*at) != Some(it));
        let changed: Vec<_> = changed.map(|(at, _)| at).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{what}: {changed:?}");
    };
    changes_nothing("after a crash");
    // As a backup restores it: the database and its last changes, without SQLite's shared memory.
    fs::remove_file(folder.path().join("data/voxloop.db-shm")).unwrap();
    changes_nothing("out of a backup");
}

#[test]
fn doctor_asks_the_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    // Whatever address is named: the server is the one that has the data folder.
    for listen in [server.address.as_str(), ANY_PORT] {
        let output = doctor(folder.path(), &["--json", "--listen", listen]);
        let diagnosis: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(diagnosis["examiner"], "server");
    }
    let url = format!("http://{}", server.address);
    let agent = doctor(folder.path(), &["--server", &url]);
    assert!(agent.status.success());
    server.kill();
    let agent = doctor(folder.path(), &["--server", &url]);
    assert_eq!(agent.status.code(), Some(1));
    let said = String::from_utf8_lossy(&agent.stdout);
    assert!(said.contains("cannot be reached") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_server_that_asks_who_comes_is_no_error_and_nobody_else_is_shown_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "0123456789abcdefghij").unwrap();
    fs::write(folder.path().join("other"), "abcdefghij0123456789").unwrap();
    let mut command = serve(folder.path(), ANY_PORT);
    command.args(["--token-file", "token"]);
    let server = Running::spawn(command);
    let ask = |flags: &[&str]| {
        let output = doctor(folder.path(), &[&["--json"], flags].concat());
        let diagnosis: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{diagnosis:#}");
        diagnosis
    };
    let found = |diagnosis: &Value, name: &str| {
        let checks = diagnosis["checks"].as_array().unwrap();
        checks.iter().find(|it| it["name"] == name).unwrap().clone()
    };
    let without = ask(&["--listen", &server.address]);
    assert_eq!(without["examiner"], "files");
    let (said, port) = (found(&without, "server"), found(&without, "port"));
    assert_eq!(said["state"], "note", "{said}");
    assert!(said["found"].as_str().unwrap().contains("asks who comes"), "{said}");
    assert!(said["command"].as_str().unwrap().contains("--token-file"), "{said}");
    assert_eq!(port["state"], "ok", "{port}");
    assert!(port["found"].as_str().unwrap().contains(&server.address), "{port}");
    let folder_found = found(&without, "data_folder");
    assert!(folder_found["found"].as_str().unwrap().contains("a running server uses it"));
    let wrong = found(&ask(&["--token-file", "other"]), "server");
    assert_eq!(wrong["state"], "warning", "{wrong}");
    assert!(wrong["found"].as_str().unwrap().contains("another token"), "{wrong}");

    // Another program at the address that is named hears nothing.
    let stranger = std::net::TcpListener::bind(ANY_PORT).unwrap();
    stranger.set_nonblocking(true).unwrap();
    let listen = stranger.local_addr().unwrap().to_string();
    let with = ask(&["--token-file", "token", "--listen", &listen]);
    assert_eq!(with["examiner"], "server");
    assert_eq!(stranger.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    server.kill();
}

#[test]
fn a_newer_database_is_left_to_the_newer_program() {
    let (folder, _) = used_folder();
    run_sql(
        folder.path(),
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'to come', 1, x'00', 0)",
    );
    let before = files(&folder.path().join("data/blobs"));
    let refused = serve(folder.path(), ANY_PORT).output().unwrap();
    check_refusal(&refused, &["--data-dir", "voxloop.db", "9999", "newer voxloop", "backup"]);
    assert!(files(&folder.path().join("data/blobs")) == before);
    let (schema, is_well) = check(folder.path(), "schema");
    assert!(!is_well && schema["state"] == "error", "{schema}");
    assert!(schema["remedy"].as_str().unwrap().contains("newer voxloop"), "{schema}");
}

#[test]
fn a_damaged_database_is_said_and_left_as_it_is() {
    let (folder, _) = used_folder();
    let path = folder.path().join("data/voxloop.db");
    // The last changes go into the file itself before it is damaged.
    run_sql(folder.path(), "pragma wal_checkpoint(truncate)");
    let good = fs::read(&path).unwrap();
    for (what, bytes) in [
        ("not a database", b"no database at all".repeat(300)),
        ("malformed", {
            let mut bytes = good;
            bytes[1_000..].fill(0x5A);
            bytes
        }),
    ] {
        fs::write(&path, &bytes).unwrap();
        let refused = serve(folder.path(), ANY_PORT).output().unwrap();
        check_refusal(&refused, &["--data-dir", "voxloop.db", "damaged", what, "backup"]);
        assert!(fs::read(&path).unwrap() == bytes, "the file was changed");
        let output = doctor(folder.path(), &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("the database is damaged") && said.contains(".recover"), "{said}");
    }
}

#[test]
fn doctor_finds_every_kind_of_damage_to_a_file() {
    let (folder, image) = used_folder();
    let good = fs::read(&image).unwrap();
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    for (bytes, word) in [(&good[..good.len() - 1], "damaged"), (&changed, "damaged")] {
        fs::write(&image, bytes).unwrap();
        let (blobs, is_well) = check(folder.path(), "blobs");
        assert!(!is_well && blobs["details"][0].as_str().unwrap().contains(word), "{blobs}");
    }
    fs::remove_file(&image).unwrap();
    let (blobs, is_well) = check(folder.path(), "blobs");
    assert!(!is_well && blobs["details"][0].as_str().unwrap().contains("missing"), "{blobs}");
    fs::write(&image, &good).unwrap();
    assert_eq!(check(folder.path(), "blobs").0["state"], "ok");
}

#[test]
fn a_task_on_a_damaged_image_fails_with_the_reason() {
    let (folder, image) = used_folder();
    let mut bytes = fs::read(&image).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&image, bytes).unwrap();
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let jobs = server.ask("GET /api/v1/jobs");
    let job = jobs["jobs"][0]["job_id"].as_str().unwrap();
    let body = r#"{"axis":2,"slice_index":30,"box":[20,20,60,60]}"#;
    let queued = server.ask(&format!("POST /api/v1/jobs/{job}/initial-mask\n{body}"));
    let task_id = queued["task_id"].as_str().unwrap();
    let task = loop {
        let task = server.ask(&format!("GET /api/v1/tasks/{task_id}"));
        if task["state"] != "queued" && task["state"] != "leased" {
            break task;
        }
    };
    assert_eq!(task["state"], "failed");
    let message = task["failure"]["message"].as_str().unwrap();
    assert!(message.contains("damaged") && message.contains("voxloop doctor"), "{message}");
    server.kill();
}

/// A file-size limit stands for a full disk: it holds for root and for everybody else alike.
#[cfg(unix)]
#[test]
fn without_room_an_upload_is_refused_and_the_server_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_voxloop"))
        .args(["serve", "--listen", ANY_PORT])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let server = Running::spawn(command);
    let large = vec![0x20; 5 << 20];
    let (status, answer) = upload(&server, &large);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, answer["error"]["code"].as_str()), (507, Some("insufficient_storage")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("make room"), "{answer}");
    assert_eq!(server.ask("GET /api/v1/jobs")["jobs"], serde_json::json!([]));
    assert!(fs::read_dir(folder.path().join("data/incoming")).unwrap().next().is_none());

    let options = volume::phantom::PhantomOptions::ct([24, 24, 12]);
    let mut small = Vec::new();
    let phantom = volume::phantom::phantom(&options).volume;
    volume::write_volume(&phantom, volume::MaskFormat::NiftiGz, &mut small).unwrap();
    assert_eq!(upload(&server, &small).0, 201);
    server.kill();
}

#[cfg(unix)]
fn upload(server: &Running, bytes: &[u8]) -> (u16, Vec<u8>) {
    let mut body =
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii.gz\"\r\n\r\n"
            .to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--b--\r\n");
    exchange(&server.address, "POST /api/v1/jobs", "multipart/form-data; boundary=b", &body)
        .unwrap()
}
