//! Agents that reach their server through proxies, or around them.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use agent::reach::Reach;
use serde_json::{Value, json};
use tempfile::TempDir;
use volume::{MaskFormat, phantom, write_volume};

use crate::support::{Authority, Files, Running, install, voxloop};

/// A name that no resolver knows: only a proxy can lead there.
const NAME: &str = "seg.lab.test";

const TOKEN: &str = "a-token-of-28-characters-001";

/// A proxy that leads to one server, whatever name it is asked for.
struct Proxy {
    port: u16,
    /// First lines of what it was asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || forward(&stream.unwrap(), server, &kept));
            }
        });
        Self { port, asked }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// `CONNECT name:port`, or `GET http://name/path`; one request a connection.
fn forward(near: &TcpStream, server: u16, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(near.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let first = head[0].clone();
    asked.lock().unwrap().push(first.trim().to_owned());
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let bare = target.trim_start_matches("http://");
    let (_, path) = bare.split_once('/').unwrap_or((bare, ""));
    let mut far = TcpStream::connect(("127.0.0.1", server)).unwrap();
    if method == "CONNECT" {
        (&*near).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    } else {
        write!(far, "{method} /{path} HTTP/1.1\r\nconnection: close\r\n").unwrap();
        for line in &head[1..] {
            far.write_all(line.as_bytes()).unwrap();
        }
        far.write_all(b"\r\n").unwrap();
    }
    let (back, mut there) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    thread::spawn(move || copy(&mut there, &back));
    copy(&mut reader, &far);
}

fn copy(from: &mut impl Read, mut to: &TcpStream) {
    std::io::copy(from, &mut to).ok();
    to.shutdown(Shutdown::Write).ok();
}

/// Asks for a slice of a new job and waits until somebody has done it.
async fn work_is_done(reach: &Reach) {
    let client = reach.client(Some(TOKEN), Duration::from_secs(60)).unwrap();
    let phantom = phantom::phantom(&phantom::PhantomOptions::ct([24, 24, 8]));
    let mut file = Vec::new();
    write_volume(&phantom.volume, MaskFormat::Nifti, &mut file).unwrap();
    let head = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii\"\r\n\r\n";
    let body = [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat();
    let request = client
        .post(reach.url("jobs"))
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body);
    let answer = request.send().await.unwrap();
    let job: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let job = reach.url(&format!("jobs/{}", job["job_id"].as_str().unwrap()));
    let prompt = json!({ "axis": 2, "slice_index": 4, "box": [4, 4, 18, 18] });
    let queued = client.post(format!("{job}/initial-mask")).json(&prompt).send().await.unwrap();
    assert_eq!(queued.status(), 202);
    // The event stream says when it is over.
    let stream = format!("{}/events/stream?after=0", reach.server);
    let mut events = client.get(stream).send().await.unwrap();
    let mut text = String::new();
    while !text.contains(r#""status":"segmented""#) {
        assert!(!text.contains(r#""state":"failed""#), "{text}");
        text.push_str(&String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap()));
    }
}

fn agent(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Running {
    let mut command = voxloop(folder);
    command.args(["agent", "--token-file", "token"]).args(args).envs(variables.iter().copied());
    Running::spawn(command)
}

/// A folder with a certificate for [`NAME`] and this machine, its authority and a token.
fn place(authority: &Authority) -> (TempDir, Files) {
    install();
    let folder = tempfile::tempdir().unwrap();
    let files = authority.certify(folder.path(), &[NAME, "127.0.0.1"], 2090);
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    (folder, files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_done_through_a_proxy_over_https() {
    let authority = Authority::new();
    let (folder, files) = place(&authority);
    let public = format!("https://{NAME}");
    let args = ["--token-file", "token", "--public-url", &public];
    let server = Running::serve(folder.path(), &files, &args);
    let proxy = Proxy::to(server.port);
    let args = ["--server", &public, "--ca-file", "ca.pem"];
    let _agent = agent(folder.path(), &args, &[("HTTPS_PROXY", &proxy.url())]);
    work_is_done(&server.reach("127.0.0.1", Some(authority.pem()))).await;
    let asked = proxy.asked();
    let expected = format!("CONNECT {NAME}:443 HTTP/1.1");
    assert!(!asked.is_empty() && asked.iter().all(|it| *it == expected), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_reached_around_the_proxy_where_no_proxy_says_so() {
    let (folder, _) = place(&Authority::new());
    let proxy = Proxy::to(1);
    let variables = [("HTTPS_PROXY", proxy.url()), ("NO_PROXY", "lab.test".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let agent = agent(folder.path(), &["--server", &format!("https://{NAME}")], &variables);
    // The name leads nowhere by itself.
    agent.until("cannot be reached");
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

/// A machine that has a proxy for everything must not show it the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_the_same_machine_is_reached_around_the_proxy() {
    let (folder, _) = place(&Authority::new());
    let mut command = voxloop(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-agent", "--token-file", "token"]);
    let mut server = Running::spawn(command);
    server.port = server.listens("http://127.0.0.1:");
    let proxy = Proxy::to(server.port);
    let variables = [("HTTP_PROXY", proxy.url()), ("ALL_PROXY", proxy.url())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let here = format!("http://127.0.0.1:{}", server.port);
    let _agent = agent(folder.path(), &["--server", &here], &variables);
    work_is_done(&Reach { server: here, ..Reach::default() }).await;
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_is_spoken_to_in_the_clear_only_where_a_flag_says_so() {
    let (folder, _) = place(&Authority::new());
    let public = format!("http://{NAME}");
    let mut command = voxloop(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-agent", "--token-file", "token"]);
    command.args(["--public-url", &public]);
    let mut server = Running::spawn(command);
    server.port = server.listens("http://127.0.0.1:");
    let proxy = Proxy::to(server.port);
    let variables = [("HTTP_PROXY", proxy.url())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let refused = agent(folder.path(), &["--server", &public], &variables);
    refused.until("--insecure-http");
    assert_eq!(proxy.asked(), Vec::<String>::new());
    let _agent = agent(folder.path(), &["--server", &public, "--insecure-http"], &variables);
    let here = format!("http://127.0.0.1:{}", server.port);
    work_is_done(&Reach { server: here, ..Reach::default() }).await;
    let asked = proxy.asked();
    let expected = format!("POST http://{NAME}/api/v1/claims HTTP/1.1");
    assert!(asked.contains(&expected), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_points_elsewhere_is_not_followed() {
    let (folder, _) = place(&Authority::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).unwrap() > 0);
        let answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: https://evil.example/\r\n\
                      content-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let agent = agent(folder.path(), &["--server", &server], &[]);
    let line = agent.until("points to https://evil.example/");
    assert!(line.contains("name the server's own address"), "{line}");
}
