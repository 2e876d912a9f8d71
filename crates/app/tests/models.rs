//! `voxloop models` through the binary, against a hub on this machine: fetching over connections that
//! break, through proxies and without a network; importing, verifying, listing.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

const FILE: &str = "MedSAM2_latest.pt";
const LICENCE: &str = "CC-BY-SA-4.0; research and education only";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro").join(name)
}

/// Bytes and SHA-256 of the fixture's checkpoint, the latter as `sha256sum` has it.
const BYTES: usize = 6_020_408;
const SHA256: &str = "ca5d49a44b5e47d7fce5f837ebbff20dfb29f9a8b73dd0c9738c59e52c2f6a98";

/// A hub that knows one file; what it does with each request for its bytes stands in `deeds`.
struct Hub {
    address: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Clone, Copy)]
enum Deed {
    /// Ends the answer after so many bytes.
    Cut(usize),
    /// Changes a byte.
    Corrupt,
}

#[derive(Default)]
struct Seen {
    deeds: Vec<Deed>,
    /// Host and range of each request for bytes.
    requests: Vec<(String, Option<String>)>,
}

impl Hub {
    fn start(deeds: &[Deed]) -> Self {
        let seen = Arc::new(Mutex::new(Seen { deeds: deeds.to_vec(), requests: Vec::new() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        listener.set_nonblocking(true).unwrap();
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { address, seen }
    }

    fn requests(&self) -> Vec<(String, Option<String>)> {
        self.seen.lock().unwrap().requests.clone()
    }
}

async fn answer(State(seen): State<Arc<Mutex<Seen>>>, request: Request) -> Response {
    if request.uri().path() != format!("/wanglab/MedSAM2/resolve/main/{FILE}") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-linked-etag", format!("\"{SHA256}\"").parse().unwrap());
    headers.insert("x-linked-size", BYTES.into());
    if request.method() == Method::HEAD {
        return (headers, Body::empty()).into_response();
    }
    let text = |name| request.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
    let (host, range) = (text(header::HOST).unwrap(), text(header::RANGE));
    let start = range.as_deref().map_or(0, |it| {
        it.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap()
    });
    let mut seen = seen.lock().unwrap();
    seen.requests.push((host, range));
    let mut bytes = fs::read(fixture("checkpoint.pt")).unwrap().split_off(start);
    let deed = if seen.deeds.is_empty() { None } else { Some(seen.deeds.remove(0)) };
    match deed {
        Some(Deed::Cut(n)) => bytes.truncate(n),
        Some(Deed::Corrupt) => bytes[1000] ^= 1,
        None => {}
    }
    let status = if start == 0 { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    let range = format!("bytes {start}-{}/{BYTES}", BYTES - 1);
    (status, [(header::CONTENT_RANGE, range)], Bytes::from(bytes)).into_response()
}

/// A port on which nobody listens.
fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `voxloop models` in a folder of its own, without the environment's proxies.
fn models(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    for name in ["HF_ENDPOINT", "HF_TOKEN", "MODEL_ROOT"] {
        command.env_remove(name);
    }
    command.arg("models").args(args).envs(variables.iter().copied()).current_dir(folder);
    command.output().unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{:?}", said(output)))
}

fn check(output: &Output, code: i32, words: &[&str]) {
    let (found, out, err) = said(output);
    assert_eq!(found, code, "{out}{err}");
    for word in words {
        assert!(out.contains(word) || err.contains(word), "`{word}` is missing in: {out}{err}");
    }
}

fn import(folder: &Path, more: &[&str]) -> Output {
    let checkpoint = fixture("checkpoint.pt");
    models(folder, &[&["import", checkpoint.to_str().unwrap()], more].concat(), &[])
}

#[test]
fn a_download_goes_on_after_a_cut_and_shows_the_licence() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&[Deed::Cut(2_000_000)]);
    let endpoint = format!("http://{}", hub.address);
    let variables = [("HF_ENDPOINT", endpoint.as_str()), ("MODEL_ROOT", "weights")];
    let fetched = models(folder.path(), &["download", "medsam2"], &variables);
    check(&fetched, 0, &[LICENCE, SHA256, "as the hub announces", "the connection was cut"]);
    let (_, out, err) = said(&fetched);
    assert!(out.contains(LICENCE) && err.contains(LICENCE), "before and after");
    let ranges: Vec<_> = hub.requests().into_iter().map(|(_, range)| range).collect();
    assert_eq!(ranges, [None, Some("bytes=2000000-".to_owned())]);
    let place = folder.path().join("weights").join(FILE);
    assert_eq!(fs::read(place).unwrap(), fs::read(fixture("checkpoint.pt")).unwrap());
    assert!(folder.path().join("weights/sam2.1_hiera_t512.yaml").exists());

    let again = models(folder.path(), &["download", "medsam2", "--json", "--quiet"], &variables);
    check(&again, 0, &[]);
    let found = json(&again);
    assert_eq!((&found["fetched"], &found["pinned"]), (&false.into(), &true.into()));
    assert_eq!(found["licence"], LICENCE);
    assert!(again.stderr.is_empty());
    assert_eq!(hub.requests().len(), 2);
}

#[test]
fn changed_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&[Deed::Corrupt]);
    let endpoint = format!("http://{}", hub.address);
    let variables = [("HF_ENDPOINT", endpoint.as_str())];
    check(
        &models(folder.path(), &["download", FILE], &variables),
        1,
        &[SHA256, "nothing was kept"],
    );
    assert!(!folder.path().join("models").join(FILE).exists());
}

#[test]
fn proxies_are_asked_and_left_out_as_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    // What a proxy is asked for it may answer itself.
    let proxy = Hub::start(&[]);
    let at = format!("http://{}", proxy.address);
    let through = [("HF_ENDPOINT", "http://hub.invalid"), ("HTTP_PROXY", at.as_str())];
    check(&models(folder.path(), &["download", "medsam2"], &through), 0, &[SHA256]);
    assert_eq!(proxy.requests()[0].0, "hub.invalid");

    // TLS goes through a tunnel that the proxy may refuse.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
        line
    });
    let tunnel = [("HF_ENDPOINT", "https://hub.invalid"), ("HTTPS_PROXY", at.as_str())];
    let refused = models(folder.path(), &["download", "medsam2-2411"], &tunnel);
    check(&refused, 1, &["cannot reach https://hub.invalid"]);
    assert!(asked.join().unwrap().starts_with("CONNECT hub.invalid:443 "));

    let hub = Hub::start(&[]);
    let (endpoint, dead) =
        (format!("http://{}", hub.address), format!("http://127.0.0.1:{}", dead_port()));
    let direct = [
        ("HF_ENDPOINT", endpoint.as_str()),
        ("HTTP_PROXY", dead.as_str()),
        ("NO_PROXY", "127.0.0.1"),
        ("MODEL_ROOT", "other"),
    ];
    check(&models(folder.path(), &["download", "medsam2"], &direct), 0, &[SHA256]);
}

#[test]
fn without_a_network_every_file_is_named_with_its_address_and_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let listed = models(folder.path(), &["list"], &[]);
    check(&listed, 0, &[LICENCE, "sam2.1_hiera_t512.yaml is in this binary"]);
    let (_, out, _) = said(&listed);
    for file in ["MedSAM2_latest.pt", "MedSAM2_CTLesion.pt", "MedSAM2_US_Heart.pt"] {
        let url = format!("https://huggingface.co/wanglab/MedSAM2/resolve/main/{file}");
        let line = out.lines().find(|it| it.contains(&url)).unwrap();
        assert!(line.contains(&format!("./models/{file}")), "{line}");
    }
    let endpoint = format!("http://127.0.0.1:{}", dead_port());
    let variables = [("HF_ENDPOINT", endpoint.as_str())];
    let failed = models(folder.path(), &["download", "medsam2-ct-lesion"], &variables);
    let url = format!("{endpoint}/wanglab/MedSAM2/resolve/main/MedSAM2_CTLesion.pt");
    check(&failed, 1, &[&url, "put it at ./models/MedSAM2_CTLesion.pt", "models import FILE"]);
    check(&models(folder.path(), &["download", "sam3"], &[]), 2, &["medsam2-ct-lesion"]);
    let variables = [("HF_ENDPOINT", "hub")];
    check(&models(folder.path(), &["list"], &variables), 2, &["--hub", "https://huggingface.co"]);
}

#[test]
fn what_is_imported_loads_and_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    check(&import(folder.path(), &[]), 2, &["--as medsam2"]);
    let refused = import(folder.path(), &["--as", "medsam2"]);
    let missing = "image_encoder.trunk.blocks.11.attn.qkv.weight";
    check(&refused, 1, &["need --config YAML", "114 missing", missing, "of another shape"]);
    let text = folder.path().join("MedSAM2_latest.pt");
    fs::write(&text, "no checkpoint").unwrap();
    let refused = models(folder.path(), &["import", text.to_str().unwrap()], &[]);
    check(&refused, 1, &["no checkpoint of torch.save's zip format"]);
    assert!(!said(&refused).2.contains("--config"));
    let absent = models(folder.path(), &["import", "nope.pt"], &[]);
    check(&absent, 1, &["cannot read nope.pt"]);
    check(&models(folder.path(), &["import", ".", "--as", "medsam2"], &[]), 1, &["is a folder"]);
    let root = folder.path().join("models");
    assert!(fs::read_dir(&root).unwrap().next().is_none(), "nothing is left behind");

    let config = fixture("config.yaml");
    let with_config = ["--as", "medsam2", "--config", config.to_str().unwrap()];
    let imported = import(folder.path(), &[&with_config[..], &["--json"]].concat());
    check(&imported, 0, &[]);
    assert_eq!(json(&imported)["sha256"], SHA256);
    check(&models(folder.path(), &["verify"], &[]), 0, &["intact", SHA256, "not pinned"]);
    let listed = json(&models(folder.path(), &["list", "--json"], &[]));
    let first = &listed["models"][0];
    assert_eq!((&first["state"], &first["pinned"]), (&"present".into(), &false.into()));
    assert_eq!(first["config"]["state"], "present");
    assert_eq!(listed["models"][1]["state"], "missing");

    // Carried over from another machine together with its dimensions.
    let carried = folder.path().join("MedSAM2_2411.pt");
    fs::copy(fixture("checkpoint.pt"), &carried).unwrap();
    fs::copy(&config, folder.path().join("MedSAM2_2411.yaml")).unwrap();
    let taken = models(folder.path(), &["import", carried.to_str().unwrap()], &[]);
    check(&taken, 0, &["dimensions from", "MedSAM2_2411.yaml"]);
    assert!(root.join("MedSAM2_2411.yaml").exists());

    let doctor = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["doctor", "--json"])
        .env_remove("MODEL_ROOT")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let checks = json(&doctor)["checks"].as_array().unwrap().clone();
    let found = checks.iter().find(|it| it["name"] == "model_folder").unwrap();
    assert!(found["details"][0].as_str().unwrap().contains("not pinned"), "{found}");
}

#[test]
fn verify_reports_what_is_damaged_missing_or_not_loadable() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("models");
    check(&models(folder.path(), &["verify"], &[]), 0, &["no model is in"]);
    let config = fixture("config.yaml");
    let flags = ["--as", "medsam2-us-heart", "--config", config.to_str().unwrap()];
    check(&import(folder.path(), &flags), 0, &[]);
    let yaml = root.join("MedSAM2_US_Heart.yaml");
    fs::rename(&yaml, root.join("elsewhere.yaml")).unwrap();
    let without = models(folder.path(), &["verify"], &[]);
    check(&without, 1, &["MedSAM2_US_Heart.yaml is missing"]);
    fs::rename(root.join("elsewhere.yaml"), &yaml).unwrap();

    // As if a hub had announced it.
    let weights = root.join("MedSAM2_US_Heart.pt");
    let record = root.join("MedSAM2_US_Heart.pt.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace(r#""announced": false"#, r#""announced": true"#)).unwrap();
    let mut bytes = fs::read(&weights).unwrap();
    bytes[3_000_000] ^= 1;
    fs::write(&weights, &bytes).unwrap();
    check(&models(folder.path(), &["verify"], &[]), 1, &["DAMAGED", SHA256, "medsam2-us-heart"]);
    fs::write(&weights, &bytes[..1000]).unwrap();
    check(&models(folder.path(), &["list"], &[]), 0, &["DAMAGED, 1.00 kB of 6.02 MB"]);

    // Placed by hand, and of other dimensions than the published ones.
    fs::copy(fixture("checkpoint.pt"), root.join(FILE)).unwrap();
    let verified = models(folder.path(), &["verify", "--json"], &[]);
    check(&verified, 1, &[]);
    let verified = json(&verified);
    let verdicts: Vec<_> = verified["models"].as_array().unwrap().iter().collect();
    assert_eq!(verdicts[0]["verdict"], "unusable");
    assert!(
        verdicts[0]["recorded_sha256"].is_null() && !root.join(format!("{FILE}.json")).exists()
    );
    assert!(verdicts[0]["problem"].as_str().unwrap().contains("114 missing"));
    assert_eq!(verdicts[1]["verdict"], "damaged");
    // With its dimensions beside it, it can be used.
    fs::copy(&config, root.join("sam2.1_hiera_t512.yaml")).unwrap();
    fs::remove_file(&weights).unwrap();
    check(&models(folder.path(), &["verify"], &[]), 0, &["intact", "now on record"]);
    check(&models(folder.path(), &["verify"], &[]), 0, &["intact", "no hub vouches for"]);
}

#[test]
fn a_broken_file_is_never_put_on_record_and_another_one_may_take_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("models");
    fs::create_dir(&root).unwrap();
    fs::copy(fixture("config.yaml"), root.join("sam2.1_hiera_t512.yaml")).unwrap();
    let whole = fs::read(fixture("checkpoint.pt")).unwrap();
    let (weights, record) = (root.join(FILE), root.join(format!("{FILE}.json")));
    fs::write(&weights, &whole[..2_000_000]).unwrap();
    check(&models(folder.path(), &["verify"], &[]), 1, &["its end is missing"]);
    assert!(!record.exists());
    fs::write(&weights, &whole).unwrap();
    check(&models(folder.path(), &["verify"], &[]), 0, &["intact", SHA256, "now on record"]);

    // Broken again: that is what is said, and the record is of the file that was.
    fs::write(&weights, &whole[..2_000_000]).unwrap();
    check(&models(folder.path(), &["list"], &[]), 0, &["here, 2.00 MB, not pinned"]);
    let verified = models(folder.path(), &["verify", "--json"], &[]);
    check(&verified, 1, &[]);
    assert_eq!(json(&verified)["models"][0]["verdict"], "unusable");
    assert!(fs::read_to_string(&record).unwrap().contains(SHA256));
}

#[cfg(unix)]
#[test]
fn a_folder_that_only_others_may_write_to_is_verified() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("models");
    fs::create_dir(&root).unwrap();
    fs::copy(fixture("config.yaml"), root.join("sam2.1_hiera_t512.yaml")).unwrap();
    fs::copy(fixture("checkpoint.pt"), root.join(FILE)).unwrap();
    let may = |mode| fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
    may(0o555);
    // To an administrator nothing is forbidden.
    let is_forbidden = fs::write(root.join("probe"), "").is_err();
    let verified = models(folder.path(), &["verify"], &[]);
    may(0o755);
    let said = if is_forbidden { "not put on record" } else { "now on record" };
    check(&verified, 0, &["intact", "not pinned: placed by hand", said]);
    assert_eq!(root.join(format!("{FILE}.json")).exists(), !is_forbidden);
}
