//! People and agents of real processes: the first admin's link, `voxloop admin`, `agent --join`.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
};

use process::{ANY_PORT, Running, serve};
use serde_json::{Value, json};

/// Runs `voxloop` in a folder; what it printed.
fn voxloop(folder: &Path, args: &[&str]) -> String {
    let output = command(folder, args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    command.args(args).current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Sends a request under a name and with a token; status and body come back.
fn ask(address: &str, line: &str, headers: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{line} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Already gone where the test waited for its end.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts a server that others reach; the link for its first admin, and its port.
fn start_off_loopback(folder: &Path) -> (Killed, String, String) {
    let mut command = serve(folder, "0.0.0.0:0");
    command.args(["--no-agent", "--public-url", "http://seg.lab.example:8000"]);
    let (child, mut log, link, port) = first_start(command);
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (child, link, port)
}

/// Starts a server without people, and reads its log as far as the link for the first admin.
fn first_start(mut command: Command) -> (Killed, BufReader<ChildStderr>, String, String) {
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let (mut port, mut link) = (String::new(), String::new());
    while link.is_empty() {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended: {port}");
        assert!(!line.contains("everybody can use it"), "{line}");
        if let Some((_, rest)) = line.split_once("voxloop is at http://127.0.0.1:") {
            port = rest.trim().trim_end_matches('/').to_owned();
        }
        if line.contains("/join#vxi_") {
            link = line.trim().to_owned();
        }
    }
    (Killed(child), log, link, port)
}

#[test]
fn a_proxys_server_prints_the_link_and_names_a_proxy_that_it_was_not_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(folder.path(), ANY_PORT);
    command.args(["--no-agent", "--behind-proxy", "10.9.8.7"]);
    command.args(["--public-url", "https://seg.lab.example"]);
    let (server, mut log, link, port) = first_start(command);
    assert!(link.starts_with("https://seg.lab.example/join#vxi_"), "{link}");
    let address = format!("127.0.0.1:{port}");
    let headers = "host: seg.lab.example\r\nx-forwarded-for: 203.0.113.9\r\n";
    for _ in 0..2 {
        assert_eq!(ask(&address, "GET /api/v1/jobs", headers, &json!({})).0, 401);
    }
    drop(server);
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.matches("--behind-proxy 127.0.0.1").count(), 1, "{rest}");
}

#[test]
fn a_server_that_others_reach_prints_a_link_for_its_first_admin() {
    let folder = tempfile::tempdir().unwrap();
    let host = "host: seg.lab.example:8000\r\n";
    let (first, old_link, _) = start_off_loopback(folder.path());
    drop(first);
    let (_server, link, port) = start_off_loopback(folder.path());
    assert!(link.starts_with("http://seg.lab.example:8000/join#vxi_"), "{link}");
    let address = format!("127.0.0.1:{port}");
    assert_eq!(ask(&address, "GET /api/v1/jobs", host, &json!({})).0, 401);
    let accept = |link: &str| {
        let invite = link.split_once('#').unwrap().1;
        let body = json!({ "invite": invite, "name": "Ada", "password": "correct horse battery" });
        ask(&address, "POST /api/v1/invitation/accept", host, &body)
    };
    assert_eq!(accept(&old_link).0, 410, "the link of the start before is dead");
    let (status, answer) = accept(&link);
    assert_eq!(status, 204);
    for (args, begin) in [
        (&["admin", "invite", "--role", "admin"][..], "http://seg.lab.example:8000/join#vxi_"),
        (
            &["admin", "--public-url", "https://seg.lab/", "invite", "--role", "admin"],
            "https://seg.lab/join#vxi_",
        ),
    ] {
        let link = voxloop(folder.path(), args);
        assert!(link.starts_with(begin), "{link}");
    }
    let cookie = answer.lines().find_map(|it| it.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("{host}cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(ask(&address, "GET /api/v1/people", &cookie, &json!({})).0, 200);
    assert_eq!(accept(&link).0, 410);
    let log = std::fs::read_dir(folder.path().join("data/logs")).unwrap();
    for file in log {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("vxi_"), "the log holds the link");
    }
}

#[test]
fn the_command_line_lets_people_in_and_shuts_them_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    assert_eq!(server.ask("GET /api/v1/session")["token_required"], false);
    let refused =
        command(folder.path(), &["admin", "invite", "--role", "viewer"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--role admin"));
    let link = voxloop(folder.path(), &["admin", "invite", "--role", "admin"]);
    assert!(link.starts_with(&format!("http://{}/join#", server.address)), "{link}");
    let body = json!({
        "invite": link.split_once('#').unwrap().1, "name": "Ada", "password": "correct horse battery"
    });
    server.send(&format!("POST /api/v1/invitation/accept\n{body}"));
    assert_eq!(server.ask("GET /api/v1/session")["token_required"], true);
    let listed = voxloop(folder.path(), &["admin", "people", "list"]);
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), ["admin", "Ada"]);
    let token = voxloop(folder.path(), &["admin", "tokens", "make", "script", "--role", "viewer"]);
    let jobs = || {
        let headers = format!("host: {}\r\nauthorization: Bearer {token}\r\n", server.address);
        ask(&server.address, "GET /api/v1/jobs", &headers, &json!({})).0
    };
    assert_eq!(jobs(), 200);
    let listed = voxloop(folder.path(), &["admin", "tokens", "list"]);
    assert!(!listed.contains(&token));
    let id = listed.lines().find(|it| it.ends_with("script")).unwrap().split(' ').next().unwrap();
    voxloop(folder.path(), &["admin", "tokens", "revoke", id]);
    assert_eq!(jobs(), 401);
    server.kill();
    let last = command(folder.path(), &["admin", "people", "disable", "ada"]).output().unwrap();
    assert!(String::from_utf8_lossy(&last.stderr).contains("must be an admin"));
    let absent = command(folder.path(), &["admin", "--data-dir", "none", "people", "list"]);
    let absent = { absent }.output().unwrap();
    assert!(String::from_utf8_lossy(&absent.stderr).contains("--data-dir none"));
}

/// The agent's own words at its end.
fn end_of(agent: Command) -> String {
    let output = { agent }.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_agent_joins_once_works_on_and_ends_when_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(folder.path(), ANY_PORT);
    std::fs::write(folder.path().join("master"), "a-token-of-28-characters-001").unwrap();
    command.args(["--no-agent", "--token-file", "master"]);
    let server = Running::spawn(command);
    let url = format!("http://{}", server.address);
    let join = voxloop(folder.path(), &["admin", "join-token", "--name", "gpu-box"]);
    let agent = |args: &[&str]| {
        let mut all = vec!["agent", "--server", &url];
        all.extend(args);
        let mut command = crate::command(folder.path(), &all);
        command.stderr(Stdio::piped()).stdout(Stdio::null());
        command
    };
    let without_file = end_of(agent(&["--join", &join]));
    assert!(without_file.contains("--token-file"), "{without_file}");
    let wrong = end_of(agent(&["--join", "vxj_wrong", "--token-file", "own"]));
    assert!(wrong.contains("--join") && wrong.contains("ask an admin"), "{wrong}");
    assert!(!folder.path().join("own").exists());

    let line = ["--join", &join, "--token-file", "own"];
    let mut first = Killed(agent(&line).spawn().unwrap());
    let mut log = BufReader::new(first.0.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("pulling work") {
        assert!(log.read_line(&mut said).unwrap() > 0, "the agent ended: {said}");
    }
    drop(first);
    let kept = std::fs::read_to_string(folder.path().join("own")).unwrap();
    assert!(kept.starts_with("vxa_") && !said.contains(kept.trim()), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("own")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = end_of(agent(&["--join", &join, "--token-file", "second"]));
    assert!(again.contains("opens nothing any more"), "{again}");

    // The same line again works on with what the file holds, until that is revoked.
    let mut second = Killed(agent(&line).spawn().unwrap());
    let listed = voxloop(folder.path(), &["admin", "tokens", "list"]);
    let id = listed.lines().find(|it| it.ends_with("gpu-box")).unwrap();
    voxloop(folder.path(), &["admin", "tokens", "revoke", id.split(' ').next().unwrap()]);
    let mut said = String::new();
    second.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!second.0.wait().unwrap().success());
    assert!(said.contains("revoked") && said.contains("remove own"), "{said}");
}

#[test]
fn an_agent_takes_its_server_from_the_older_setting_where_there_is_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let said = |variables: &[(&str, &str)]| {
        let mut agent = command(folder.path(), &["agent"]);
        agent.env_remove("VOXLOOP_SERVER").envs(variables.iter().copied());
        String::from_utf8(agent.output().unwrap().stderr).unwrap()
    };
    let older = ("DJANGO_API_URL", "ftp://older");
    assert!(said(&[older]).contains("got `ftp://older`"));
    assert!(said(&[older, ("VOXLOOP_SERVER", "ftp://newer")]).contains("got `ftp://newer`"));
    assert!(said(&[("DJANGO_API_URL", "")]).contains("--server <URL>"));
}

#[test]
fn who_has_no_token_is_told_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = ["agent", "--server", "http://127.0.0.1:1", "--token-file", "token"];
    let said = command(folder.path(), &server).output().unwrap().stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("--token-file token: ask an admin for a join token"), "{said}");
    let said = command(folder.path(), &["serve", "--token-file", "token"]).output().unwrap().stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("--token-file token: make a token with"), "{said}");
}
