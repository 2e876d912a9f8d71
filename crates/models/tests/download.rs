//! Downloads from a hub on this machine that cuts connections, corrupts bytes and forgets where it
//! was.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use models::{
    ModelError,
    catalogue::PUBLISHED_CONFIG,
    catalogue::{self, Model},
    download::Progress,
    folder::ModelFolder,
    hub::{Fetched, Hub},
    record::{Configuration, Record, State as Here, Verdict},
};
use sha2::{Digest, Sha256};

/// What the storage does with a request for the file's bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    /// Gives what is asked for.
    Serve,
    /// Ends the answer after so many bytes, as a proxy does that gives up.
    Short(usize),
    /// Breaks the connection; how many bytes came through is up to the network.
    Break,
    /// Changes a byte.
    Corrupt,
    /// Begins at the beginning, whatever was asked for.
    ForgetRange,
    /// Sends more than there is.
    Overrun,
    /// Answers with this status.
    Fail(u16),
}

struct Storage {
    file: Vec<u8>,
    announces: bool,
    deeds: Vec<Deed>,
    /// `Range` of each request so far.
    asked: Vec<Option<String>>,
    /// `Authorization` of each request for what the file is, and of each for its bytes.
    tokens: Vec<Option<String>>,
    /// Where the hub sends the client for the bytes.
    location: String,
}

type Shared = Arc<Mutex<Storage>>;

struct TestHub {
    url: String,
    storage: Shared,
    folder: tempfile::TempDir,
}

fn weights() -> Vec<u8> {
    (0..300_000_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

fn model() -> &'static Model {
    catalogue::find("medsam2").unwrap()
}

impl TestHub {
    /// A hub whose storage does `deeds` in turn, then serves.
    async fn start(deeds: &[Deed]) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let storage = Arc::new(Mutex::new(Storage {
            file: weights(),
            announces: true,
            deeds: deeds.to_vec(),
            asked: Vec::new(),
            tokens: Vec::new(),
            location: "/storage".to_owned(),
        }));
        let router = Router::new()
            .route("/wanglab/MedSAM2/resolve/main/MedSAM2_latest.pt", get(resolve))
            .route("/storage", get(serve))
            .with_state(Arc::clone(&storage));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, storage, folder: tempfile::tempdir().unwrap() }
    }

    fn models(&self) -> ModelFolder {
        ModelFolder::new(self.folder.path())
    }

    async fn fetch(&self) -> Result<Record, ModelError> {
        match self.fetch_or_find().await? {
            Fetched::Now(it) => Ok(it),
            Fetched::Before(it) => panic!("it was here: {it:?}"),
        }
    }

    async fn fetch_or_find(&self) -> Result<Fetched, ModelError> {
        let hub = Hub::new(&self.url, Some("hf_secret")).unwrap();
        hub.fetch(model(), &self.models(), &Patient).await
    }

    fn asked(&self) -> Vec<Option<String>> {
        self.storage.lock().unwrap().asked.clone()
    }

    /// Files under the model folder, hidden ones too.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(self.folder.path(), &mut found);
        found.sort();
        found
    }
}

fn list(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, found);
        } else {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

/// Waits for nothing.
struct Patient;

impl Progress for Patient {
    fn at(&self, have: u64, size: u64) {
        assert!(have <= size);
    }

    fn cut(&self, cause: &str) {
        assert!(!cause.is_empty());
    }

    fn pause(&self, _n: u32) -> Duration {
        Duration::ZERO
    }
}

/// The hub: says what the file is, and sends the client to the storage.
async fn resolve(State(storage): State<Shared>, headers: HeaderMap) -> Response {
    let mut storage = storage.lock().unwrap();
    storage.tokens.push(token(&headers));
    let location = [(header::LOCATION, storage.location.clone())];
    let mut answer = (StatusCode::FOUND, location).into_response();
    let headers = answer.headers_mut();
    if storage.announces {
        headers.insert("x-linked-etag", format!("\"{}\"", sha256(&storage.file)).parse().unwrap());
        headers.insert("x-linked-size", storage.file.len().into());
    }
    headers.insert("x-repo-commit", "c0ffee".parse().unwrap());
    answer
}

fn token(headers: &HeaderMap) -> Option<String> {
    headers.get(header::AUTHORIZATION).map(|it| it.to_str().unwrap().to_owned())
}

async fn serve(State(storage): State<Shared>, method: Method, headers: HeaderMap) -> Response {
    let mut storage = storage.lock().unwrap();
    let size = storage.file.len();
    if method == Method::HEAD {
        return [(header::CONTENT_LENGTH, size.to_string())].into_response();
    }
    storage.tokens.push(token(&headers));
    let range = headers.get(header::RANGE).map(|it| it.to_str().unwrap().to_owned());
    storage.asked.push(range.clone());
    let deed = if storage.deeds.is_empty() { Deed::Serve } else { storage.deeds.remove(0) };
    let start = range
        .filter(|_| deed != Deed::ForgetRange)
        .map_or(0, |it| it["bytes=".len()..].trim_end_matches('-').parse::<usize>().unwrap());
    let mut bytes = storage.file[start..].to_vec();
    match deed {
        Deed::Serve | Deed::ForgetRange => {}
        Deed::Short(n) => bytes.truncate(n),
        Deed::Break => return broken(&bytes, start),
        Deed::Corrupt => bytes[100] ^= 1,
        Deed::Overrun => bytes.extend([0; 10]),
        Deed::Fail(status) => return StatusCode::from_u16(status).unwrap().into_response(),
    }
    with_range(Body::from(bytes), start, size)
}

fn with_range(body: Body, start: usize, size: usize) -> Response {
    if start == 0 {
        return body.into_response();
    }
    let range = format!("bytes {start}-{}/{size}", size - 1);
    (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, range)], body).into_response()
}

fn broken(bytes: &[u8], start: usize) -> Response {
    let first = Ok(Bytes::copy_from_slice(&bytes[..bytes.len() / 2]));
    let broken = Err(std::io::Error::other("broken"));
    let body = Body::from_stream(futures::stream::iter([first, broken]));
    with_range(body, start, start + bytes.len())
}

#[tokio::test]
async fn a_model_arrives_whole_with_its_record() {
    let hub = TestHub::start(&[]).await;
    let record = hub.fetch().await.unwrap();
    assert_eq!(record.sha256, sha256(&weights()));
    assert!(record.announced);
    assert_eq!(record.commit.as_deref(), Some("c0ffee"));
    assert_eq!(std::fs::read(hub.models().path(model())).unwrap(), weights());
    assert_eq!(hub.files(), ["MedSAM2_latest.pt", "MedSAM2_latest.pt.json", PUBLISHED_CONFIG]);
    assert_eq!(hub.models().verify(model()).unwrap(), Verdict::Intact(record));
    let config = hub.folder.path().join(PUBLISHED_CONFIG);
    assert_eq!(hub.models().configuration(model()).unwrap(), Configuration::File(config));
    let tokens = hub.storage.lock().unwrap().tokens.clone();
    assert_eq!(tokens[0].as_deref(), Some("Bearer hf_secret"));
}

#[tokio::test]
async fn a_cut_connection_goes_on_where_it_was() {
    let hub = TestHub::start(&[Deed::Short(100_000), Deed::Short(50_000), Deed::Fail(503)]).await;
    hub.fetch().await.unwrap();
    assert_eq!(std::fs::read(hub.models().path(model())).unwrap(), weights());
    let asked = hub.asked();
    let starts: Vec<_> = asked.iter().map(|it| it.as_deref().unwrap_or("none")).collect();
    assert_eq!(starts, ["none", "bytes=100000-", "bytes=150000-", "bytes=150000-"]);
}

#[tokio::test]
async fn a_broken_connection_does_not_break_the_file() {
    let hub = TestHub::start(&[Deed::Break, Deed::Break, Deed::Short(50_000), Deed::Break]).await;
    hub.fetch().await.unwrap();
    assert_eq!(std::fs::read(hub.models().path(model())).unwrap(), weights());
}

#[tokio::test]
async fn a_download_that_was_given_up_goes_on_the_next_time() {
    let mut deeds = vec![Deed::Short(200_000)];
    deeds.extend([Deed::Fail(502); 6]);
    let hub = TestHub::start(&deeds).await;
    let given_up = hub.fetch().await.unwrap_err();
    let ModelError::CutOff { have, size, .. } = given_up else { panic!("{given_up}") };
    assert_eq!((have, size), (200_000, 300_000));
    assert_eq!(hub.models().state(model()).unwrap(), Here::Missing);
    hub.fetch().await.unwrap();
    assert_eq!(hub.asked().last().unwrap().as_deref(), Some("bytes=200000-"));
    assert_eq!(std::fs::read(hub.models().path(model())).unwrap(), weights());
}

#[tokio::test]
async fn changed_bytes_are_not_kept() {
    let hub = TestHub::start(&[Deed::Corrupt]).await;
    let error = hub.fetch().await.unwrap_err();
    let ModelError::Corrupt { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!(*expected, sha256(&weights()));
    assert_ne!(found, expected);
    assert!(hub.files().is_empty(), "{:?}", hub.files());
    hub.fetch().await.unwrap();
}

#[tokio::test]
async fn a_resumed_part_that_went_bad_is_fetched_anew() {
    let hub = TestHub::start(&[Deed::Short(200_000), Deed::Fail(404)]).await;
    let refused = hub.fetch().await.unwrap_err();
    assert!(matches!(refused, ModelError::Refused { status: 404, .. }), "{refused}");
    let part = hub.folder.path().join(".part").join(&hub.files()[0]);
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    hub.fetch().await.unwrap();
    assert_eq!(std::fs::read(hub.models().path(model())).unwrap(), weights());
}

#[tokio::test]
async fn a_storage_without_ranges_begins_anew() {
    let hub = TestHub::start(&[Deed::Short(100_000), Deed::ForgetRange]).await;
    hub.fetch().await.unwrap();
    assert_eq!(std::fs::read(hub.models().path(model())).unwrap(), weights());
}

#[tokio::test]
async fn more_bytes_than_announced_are_refused() {
    let hub = TestHub::start(&[Deed::Overrun]).await;
    let error = hub.fetch().await.unwrap_err();
    assert!(matches!(error, ModelError::BadAnswer { .. }), "{error}");
    assert_eq!(hub.models().state(model()).unwrap(), Here::Missing);
}

#[tokio::test]
async fn a_mirror_that_announces_no_digest_gives_a_file_that_is_not_pinned() {
    let hub = TestHub::start(&[]).await;
    hub.storage.lock().unwrap().announces = false;
    let record = hub.fetch().await.unwrap();
    assert!(!record.announced);
    assert_eq!(record.sha256, sha256(&weights()));
}

#[tokio::test]
async fn without_a_network_the_file_and_its_place_are_named() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let hub = Hub::new(&format!("http://127.0.0.1:{port}"), None).unwrap();
    let models = ModelFolder::new(folder.path());
    let said = hub.fetch(model(), &models, &Patient).await.unwrap_err().to_string();
    let place = models.path(model()).display().to_string();
    for words in ["wanglab/MedSAM2/resolve/main/MedSAM2_latest.pt", &place, "models import"] {
        assert!(said.contains(words), "`{words}` is missing in: {said}");
    }
}

#[tokio::test]
async fn two_downloads_of_one_model_do_not_mix() {
    let hub = TestHub::start(&[]).await;
    let name = format!("MedSAM2_latest.pt.{}-300000.part", sha256(&weights()));
    let folder = hub.folder.path().join(".part");
    std::fs::create_dir_all(&folder).unwrap();
    let other = std::fs::File::create(folder.join(name)).unwrap();
    other.lock().unwrap();
    let error = hub.fetch().await.unwrap_err();
    assert!(matches!(error, ModelError::Busy(_)), "{error}");
}

#[tokio::test]
async fn what_is_left_of_another_version_goes_unless_it_is_in_use() {
    let hub = TestHub::start(&[]).await;
    let parts = hub.folder.path().join(".part");
    std::fs::create_dir_all(&parts).unwrap();
    let names =
        ["MedSAM2_latest.pt.old-7.part", "MedSAM2_latest.pt.new-8.part", "MedSAM2_2411.pt.x"];
    let files = names.map(|it| std::fs::File::create(parts.join(it)).unwrap());
    files[1].lock().unwrap();
    hub.fetch().await.unwrap();
    assert_eq!(names.map(|it| parts.join(it).exists()), [false, true, true]);
}

#[tokio::test]
async fn what_is_here_is_not_fetched_again_but_pinned() {
    let hub = TestHub::start(&[]).await;
    let path = hub.models().path(model());
    std::fs::write(&path, weights()).unwrap();
    let Fetched::Before(record) = hub.fetch_or_find().await.unwrap() else { panic!() };
    assert!(record.announced && record.sha256 == sha256(&weights()));
    assert!(hub.models().state(model()).unwrap().is_pinned());
    assert!(hub.asked().is_empty());

    // Of the same length, and another.
    let mut bytes = weights();
    bytes[9] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    hub.fetch().await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), weights());
}

#[tokio::test]
async fn a_token_stays_with_the_hub() {
    let elsewhere = TestHub::start(&[]).await;
    let hub = TestHub::start(&[]).await;
    hub.storage.lock().unwrap().location = format!("{}/storage", elsewhere.url);
    hub.fetch().await.unwrap();
    let secret = Some("Bearer hf_secret".to_owned());
    // Once to hear what the file is, once on the way to its bytes.
    assert_eq!(hub.storage.lock().unwrap().tokens, [secret.clone(), secret]);
    assert_eq!(elsewhere.storage.lock().unwrap().tokens, [None]);
}
