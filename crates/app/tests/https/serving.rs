//! `voxloop serve` with a certificate: who is let in by which, what is refused at the start, and a new
//! certificate without a restart.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use agent::{cache::Cache, connection::Connection, http::Http, reach::Reach};
use protocol::{id::AgentId, lease::PROTOCOL_VERSION};
use reqwest::{Client, StatusCode, Version, header};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{Authority, Files, Running, install, shown, voxloop};

const PATIENCE: Duration = Duration::from_secs(30);

fn client(reach: &Reach) -> Client {
    reach.client(None, PATIENCE).unwrap()
}

/// A connection that offers these protocols.
async fn connect(
    port: u16,
    authority: &Authority,
    protocols: &[&str],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority.pem()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_in_both_versions() {
    install();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let files = authority.certify(folder.path(), &["127.0.0.1", "localhost"], 2090);
    let server = Running::serve(folder.path(), &files, &[]);
    server.until("the certificate is for 127.0.0.1, localhost until Sun, 31 Dec 2090");
    let reach = server.reach("127.0.0.1", Some(authority.pem()));
    let health = format!("{}/health", reach.server);
    let answer = client(&reach).get(&health).send().await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_11));

    let stream = connect(server.port, &authority, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = axum::http::Request::get(&health).body(()).unwrap();
    let (answer, _) = requests.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);

    // In the clear there is nothing on this port.
    let plain = format!("http://127.0.0.1:{}/health", server.port);
    client(&reach).get(plain).send().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_over_https_is_never_sent_in_the_clear() {
    install();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let files = authority.certify(folder.path(), &["127.0.0.1"], 2090);
    let token = "a-token-of-28-characters-001";
    std::fs::write(folder.path().join("token"), token).unwrap();
    let server = Running::serve(folder.path(), &files, &["--token-file", "token"]);
    let reach = server.reach("127.0.0.1", Some(authority.pem()));
    let request = client(&reach).post(reach.url("session"));
    let answer = request.json(&json!({ "token": token })).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("Secure"), "{cookie}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_without_a_restart_and_a_bad_one_is_not() {
    install();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let files = authority.certify(folder.path(), &["127.0.0.1"], 2090);
    let server = Running::serve(folder.path(), &files, &[]);
    server.until("31 Dec 2090");
    let presented = async || {
        let stream = connect(server.port, &authority, &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    assert_eq!(presented().await, shown(&files.cert));

    authority.certify(folder.path(), &["127.0.0.1"], 2091);
    hang_up(&server);
    server.until("31 Dec 2091");
    let second = shown(&files.cert);
    assert_eq!(presented().await, second);

    // The key of another one: said, and the server goes on.
    let others = tempfile::tempdir().unwrap();
    let other = authority.certify(others.path(), &["127.0.0.1"], 2092);
    std::fs::copy(other.key, &files.key).unwrap();
    hang_up(&server);
    server.until("is not the key of the certificate");
    assert_eq!(presented().await, second);
}

#[cfg(unix)]
fn hang_up(server: &Running) {
    let sent = Command::new("kill").args(["-HUP", &server.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// What `voxloop serve` says when it does not start.
fn refused(folder: &Path, args: &[&str]) -> String {
    let mut command = voxloop(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-agent"]).args(args);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[track_caller]
fn check_refused(folder: &Path, args: &[&str], words: &[&str]) {
    let said = refused(folder, args);
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
}

#[test]
fn a_certificate_or_key_that_cannot_be_used_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let authority = Authority::new();
    authority.certify(at, &["127.0.0.1"], 2090);
    let others = tempfile::tempdir().unwrap();
    let other = authority.certify(others.path(), &["127.0.0.1"], 2090);
    std::fs::copy(other.key, at.join("other.key")).unwrap();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(at.join("encrypted.key"), encrypted).unwrap();
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
               -----END RSA PRIVATE KEY-----\n";
    std::fs::write(at.join("old.key"), old).unwrap();
    std::fs::write(at.join("empty"), "").unwrap();
    let pair = |cert: &'static str, key: &'static str| ["--tls-cert", cert, "--tls-key", key];
    check_refused(at, &["--tls-cert", "server.pem"], &["--tls-key"]);
    check_refused(at, &["--tls-key", "server.key"], &["--tls-cert"]);
    check_refused(at, &pair("none.pem", "server.key"), &["--tls-cert none.pem", "No such file"]);
    check_refused(at, &pair("empty", "server.key"), &["holds no certificate"]);
    check_refused(at, &pair("server.key", "server.pem"), &["are the two swapped?"]);
    check_refused(at, &pair("server.pem", "server.pem"), &["are the two swapped?"]);
    check_refused(at, &pair("server.pem", "empty"), &["holds no private key"]);
    check_refused(at, &pair("server.pem", "other.key"), &["is not the key of the certificate"]);
    for key in ["encrypted.key", "old.key"] {
        let words = ["the key is encrypted", "openssl pkey -in", key];
        check_refused(at, &pair("server.pem", key), &words);
    }
}

#[test]
fn addresses_begin_as_the_server_or_its_proxy_answers() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    Authority::new().certify(at, &["127.0.0.1"], 2090);
    let tls = ["--tls-cert", "server.pem", "--tls-key", "server.key", "--public-url"];
    let args = [tls.as_slice(), &["http://seg.example.org"]].concat();
    check_refused(at, &args, &["http://seg.example.org", "begin the address with https://"]);
    check_refused(at, &["--behind-proxy"], &["--behind-proxy", "--public-url https://HOST"]);
    let args = ["--behind-proxy", "--public-url", "http://seg.example.org"];
    check_refused(at, &args, &["--public-url https://HOST"]);
}

/// Why an agent does not reach a server.
async fn unreachable(reach: Reach) -> String {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), 0).unwrap();
    let request = json!({
        "agent_id": AgentId::fresh(), "name": "test", "protocol": PROTOCOL_VERSION,
        "kinds": [], "engines": [], "wait_secs": 0,
    });
    let request = serde_json::from_value(request).unwrap();
    let connection = Http::new(reach, cache, None).unwrap();
    connection.claim(&request).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_says_what_is_wrong_with_a_certificate() {
    install();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let check = async |reach: Reach, words: &str| {
        let said = unreachable(reach).await;
        assert!(said.contains(words), "`{words}` is missing in: {said}");
    };
    let known = || Some(authority.pem());

    let folder = tempfile::tempdir().unwrap();
    let files = authority.certify(folder.path(), &["seg.lab.test", "127.0.0.1"], 2090);
    let server = Running::serve(folder.path(), &files, &[]);
    check(server.reach("localhost", known()), "is for seg.lab.test").await;
    check(server.reach("localhost", known()), "not for localhost").await;
    check(server.reach("127.0.0.1", None), "--ca-file").await;
    check(server.reach("127.0.0.1", Some(stranger.pem())), "--ca-file").await;
    drop(server);

    let folder = tempfile::tempdir().unwrap();
    let files = authority.certify(folder.path(), &["127.0.0.1"], 2021);
    let server = Running::serve(folder.path(), &files, &[]);
    check(server.reach("127.0.0.1", known()), "has expired").await;
    drop(server);

    // It is trusted where it is named itself, and nowhere else.
    let folder = tempfile::tempdir().unwrap();
    let files = Files::self_signed(folder.path(), &["127.0.0.1"]);
    let server = Running::serve(folder.path(), &files, &[]);
    check(server.reach("127.0.0.1", None), "--ca-file").await;
    let pem = std::fs::read(&files.cert).unwrap();
    let reach = server.reach("127.0.0.1", Some(pem));
    let answer = client(&reach).get(format!("{}/health", reach.server)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
