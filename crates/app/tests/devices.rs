//! Agents as processes say how their machines are: with a driver's tool on the path, and without one.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

#[expect(dead_code, reason = "what asks a server one thing after the other")]
mod process;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use process::{ANY_PORT, Running, serve};
use serde_json::Value;

const TOOL: &str = r#"#!/bin/sh
case "$1" in
--query-gpu=*) echo '0, GPU-aa, 1536, 143771, 37, 41, 118.90, NVIDIA H200' ;;
--query-compute-apps=*) echo 'GPU-aa, 4711, 1024, /opt/venv/bin/python' ;;
*) exit 2 ;;
esac
"#;

/// An agent; killed with the test.
struct Agent(Child);

impl Agent {
    fn start(folder: &Path, server: &Running, name: &str, path: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
        command
            .args(["agent", "--server", &format!("http://{}", server.address), "--name", name])
            .args(["--device-heartbeat-secs", "1", "--device", "cpu"])
            .current_dir(folder)
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Already gone where the test killed it.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What the stream says of devices, one after the other.
fn devices(server: &Running) -> impl Iterator<Item = Value> {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let path = "/events/stream?after=0&only=device_update";
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", server.address).unwrap();
    BufReader::new(stream).lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line.unwrap().strip_prefix("data: ")?).unwrap();
        Some(event["data"].clone())
    })
}

#[test]
fn agents_say_how_their_machines_are() {
    let folder = tempfile::tempdir().unwrap();
    let [with, without] = ["with", "without"].map(|it| folder.path().join(it));
    for it in [&with, &without] {
        std::fs::create_dir(it).unwrap();
    }
    let tool = with.join("nvidia-smi");
    std::fs::write(&tool, TOOL).unwrap();
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = serve(folder.path(), ANY_PORT);
    command.arg("--no-agent");
    let server = Running::spawn(command);

    let mut news = devices(&server);
    let bench = Agent::start(folder.path(), &server, "bench", &with);
    let said = news.find(|it| it["cpu_util"].is_number()).unwrap();
    assert_eq!((&said["host_id"], &said["gpu_count"]), (&"bench".into(), &1.into()));
    let gpu = &said["gpus"][0];
    assert_eq!((&gpu["name"], &gpu["util"]), (&"NVIDIA H200".into(), &37.0.into()));
    assert_eq!((&gpu["vram_used"], &gpu["temperature"]), (&1.5.into(), &41.0.into()));
    let process = &gpu["processes"][0];
    assert_eq!((&process["name"], &process["vram_used"]), (&"python".into(), &1.0.into()));
    assert!(said["memory_used"].as_f64() <= said["memory_total"].as_f64());
    assert!(said["disk_free"].as_f64() <= said["disk_total"].as_f64());
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(said["status"], "busy", "somebody uses its GPU");
    drop(bench);

    let _plain = Agent::start(folder.path(), &server, "plain", &without);
    let said = news.find(|it| it["host_id"] == "plain").unwrap();
    assert_eq!((&said["gpus"], &said["gpu_util"]), (&Value::Array(Vec::new()), &Value::Null));
    // The one that was killed says nothing more, and everybody is told.
    let silent = news.find(|it| it["status"] == "suspect").unwrap();
    assert_eq!(silent["host_id"], "bench");
}
