//! MedSAM2 through the binary: `segment` with its flags, and a server whose weights arrive late. The
//! network is one of small dimensions with random weights.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod process;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use process::{ANY_PORT, Running, exchange, serve};
use serde_json::Value;
use volume::{
    MaskFormat,
    phantom::{PhantomOptions, phantom},
    write_volume,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro").join(name)
}

fn segment(folder: &Path, flags: &[&str]) -> Output {
    let prompt = ["--slice", "5", "--box", "10.5,8,24,20.25", "--engine", "medsam2"];
    segment_with(folder, &[&prompt, flags].concat())
}

fn segment_with(folder: &Path, flags: &[&str]) -> Output {
    let image = folder.join("ct.nii.gz");
    if !image.exists() {
        let made = phantom(&PhantomOptions::ct([40, 30, 12]));
        let file = fs::File::create(&image).unwrap();
        write_volume(&made.volume, MaskFormat::NiftiGz, file).unwrap();
    }
    Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["segment", "ct.nii.gz", "-o", "mask.nii.gz"])
        .args(flags)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn with_model(folder: &Path, flags: &[&str]) -> Output {
    let (model, config) = (fixture("checkpoint.pt"), fixture("config.yaml"));
    let files = ["--model", model.to_str().unwrap(), "--config", config.to_str().unwrap()];
    segment(folder, &[&files, flags].concat())
}

#[test]
fn logits_are_written_for_the_visited_slices_and_their_threshold_is_the_mask() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--no-stop", "--logits", "logits.npy", "--timing", "times.json"];
    for (more, first, n_slices) in [
        (&["--range", "3..9"] as &[&str], 3, 7),
        (&["--direction", "forward", "--window=-160,240", "--precision", "f32"], 5, 7),
        (&["--two-d", "--window", "abdomen"], 5, 1),
    ] {
        let output = with_model(folder.path(), &[&flags, more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let npy = fs::read(folder.path().join("logits.npy")).unwrap();
        let npy = npyz::NpyFile::new(&npy[..]).unwrap();
        assert_eq!(npy.shape(), [n_slices, 30, 40]);
        let logits = npy.into_vec::<f32>().unwrap();

        let path = folder.path().join("mask.nii.gz");
        let mask = volume::read(&path, "mask.nii.gz", &volume::ReadOptions::default()).unwrap();
        let mask = volume::Labelmap::from_volume(&mask).unwrap();
        let n_before = first * 30 * 40;
        let inside: Vec<bool> = mask.voxels[n_before..].iter().map(|it| *it == 1).collect();
        let expected: Vec<bool> = logits.iter().map(|it| *it > 0.0).collect();
        assert_eq!(inside[..expected.len()], expected);

        let times = fs::read(folder.path().join("times.json")).unwrap();
        let times: Value = serde_json::from_slice(&times).unwrap();
        assert_eq!(times["engine"]["name"], "medsam2");
        assert_eq!(times["engine"]["model"]["window"], serde_json::json!([-160.0, 240.0]));
    }
}

#[test]
fn what_does_not_go_together_is_said_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let check = |output: Output, code: i32, word: &str| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    };
    check(segment(folder.path(), &[]), 2, "--model MedSAM2_latest.pt");
    check(segment(folder.path(), &["--model", "none.pt"]), 1, "none.pt is not there");
    check(with_model(folder.path(), &["--precision", "f16"]), 2, "auto, f32 or bf16");
    check(with_model(folder.path(), &["--window", "skin"]), 2, "abdomen");
    check(with_model(folder.path(), &["--window", "1e40,2e40"]), 2, "1.7e38");
    check(segment(folder.path(), &["--model", "."]), 1, "./MedSAM2_latest.pt");
    for flags in [
        &["--window", "lung"] as &[&str],
        &["--no-stop"],
        &["--logits", "logits.npy"],
        &["--precision", "f32"],
    ] {
        let graphcut = [&["--engine", "graphcut"], flags].concat();
        let words = format!("{} is for --engine medsam2", flags[0]);
        check(segment_with(folder.path(), &graphcut), 2, &words);
    }
}

#[test]
fn why_weights_cannot_be_used_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = folder.path().join("bad.yaml");
    for (config, cause) in [(None, "No such file"), (Some("- 1"), "configuration")] {
        if let Some(text) = config {
            fs::write(&yaml, text).unwrap();
        }
        let model = fixture("checkpoint.pt");
        let flags = ["--model", model.to_str().unwrap(), "--config", "bad.yaml"];
        let said = String::from_utf8(segment(folder.path(), &flags).stderr).unwrap();
        assert_eq!(said.matches(cause).count(), 1, "{said}");
        assert_eq!(said.matches("bad.yaml").count(), 1, "{said}");
    }
}

#[test]
fn a_batch_says_through_which_window_each_mask_was_made() {
    let folder = tempfile::tempdir().unwrap();
    // Makes the image.
    with_model(folder.path(), &["--two-d"]);
    let prompts = r#"[{"axis": 2, "slice_index": 5, "box": [10, 8, 24, 20]}]"#;
    fs::write(folder.path().join("ct.prompts.json"), prompts).unwrap();
    for more in [&["--two-d"] as &[&str], &["--force"]] {
        let (model, config) = (fixture("checkpoint.pt"), fixture("config.yaml"));
        let output = Command::new(env!("CARGO_BIN_EXE_voxloop"))
            .args(["segment", "ct.nii.gz", "--out", "masks", "--engine", "medsam2", "--model"])
            .arg(model)
            .arg("--config")
            .arg(config)
            .args(more)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = fs::read_to_string(folder.path().join("masks/manifest.jsonl")).unwrap();
        let entry: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(entry["engine"]["model"]["window"], serde_json::json!([-160.0, 240.0]));
    }
}

/// What became of a job's task.
fn finished(server: &Running, job_id: &str) -> Value {
    loop {
        let job = server.ask(&format!("GET /api/v1/jobs/{job_id}"));
        if job["task"].is_null() {
            return job["head_revision"].clone();
        }
        std::thread::yield_now();
    }
}

fn place_weights(folder: &Path) {
    let models = folder.join("models");
    fs::create_dir_all(&models).unwrap();
    fs::copy(fixture("checkpoint.pt"), models.join("MedSAM2_latest.pt")).unwrap();
    fs::copy(fixture("config.yaml"), models.join("sam2.1_hiera_t512.yaml")).unwrap();
}

#[test]
fn a_server_uses_the_network_once_its_weights_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(folder.path(), ANY_PORT);
    command.env("PRECISION", "f32");
    let server = Running::spawn(command);
    let engines = server.ask("GET /api/v1/system/model");
    assert_eq!(engines["engines"][0]["name"], "graphcut");
    assert_eq!(engines["engines"][1]["name"], "medsam2");
    let missing = engines["engines"][1]["missing"].as_str().unwrap();
    let place = fs::canonicalize(folder.path()).unwrap().join("models/MedSAM2_latest.pt");
    assert!(missing.contains(place.to_str().unwrap()), "{missing}");
    let job_id = server.ask("POST /api/v1/sample")["job_id"].as_str().unwrap().to_owned();
    let prompt = r#"{"axis":2,"slice_index":30,"box":[100,100,160,150]"#;
    let line = format!("POST /api/v1/jobs/{job_id}/initial-mask");
    let named = format!("{prompt},\"engine\":\"medsam2\"}}");
    let refused = exchange(&server.address, &line, "application/json", named.as_bytes()).unwrap();
    assert_eq!(refused.0, 409);
    assert!(String::from_utf8_lossy(&refused.1).contains("MedSAM2_latest.pt"));

    place_weights(folder.path());
    let engines = server.ask("POST /api/v1/system/model/reload");
    assert_eq!(engines["engines"][0]["name"], "medsam2");
    assert_eq!(engines["engines"][0]["ready"], true);

    server.send(&format!("{line}\n{prompt}}}"));
    let slice = finished(&server, &job_id);
    let engine = &slice["author"]["engine"];
    assert_eq!(
        (&engine["name"], &engine["model"]["name"]),
        (&"medsam2".into(), &"MedSAM2_latest.pt".into())
    );
    assert_eq!(engine["model"]["window"], serde_json::json!([-160.0, 240.0]));
    assert_eq!(engine["model"]["precision"], "f32");
    server.send(&format!("POST /api/v1/jobs/{job_id}/propagate\n{}", r#"{"range":[28,32]}"#));
    let volume = finished(&server, &job_id);
    assert_ne!(volume["revision_id"], slice["revision_id"]);
    assert_eq!(volume["author"]["engine"], *engine);
    assert_eq!(volume["extent"], serde_json::json!({"axis": 2, "first": 28, "last": 32}));
    server.kill();
}

/// Opens the phantom as a job, of this modality.
fn upload(server: &Running, modality: &str) -> String {
    let made = phantom(&PhantomOptions::ct([40, 30, 12]));
    let mut body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"modality\"\r\n\r\n{modality}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii\"\r\n\r\n"
    )
    .into_bytes();
    write_volume(&made.volume, MaskFormat::Nifti, &mut body).unwrap();
    body.extend(b"\r\n--b--\r\n");
    let kind = "multipart/form-data; boundary=b";
    let (status, answer) = exchange(&server.address, "POST /api/v1/jobs", kind, &body).unwrap();
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    let job: Value = serde_json::from_slice(&answer).unwrap();
    job["job_id"].as_str().unwrap().to_owned()
}

#[test]
fn the_modality_that_was_said_decides_about_the_window() {
    let folder = tempfile::tempdir().unwrap();
    place_weights(folder.path());
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let window = |modality: &str| {
        let job_id = upload(&server, modality);
        let prompt = r#"{"axis":2,"slice_index":5,"box":[10,8,24,20]}"#;
        server.send(&format!("POST /api/v1/jobs/{job_id}/initial-mask\n{prompt}"));
        finished(&server, &job_id)["author"]["engine"]["model"]["window"].clone()
    };
    // The same file, whose air looks like CT.
    let percentiles = window("MR");
    assert!(percentiles[0].as_f64().unwrap() > 0.0, "{percentiles}");
    let abdomen = serde_json::json!([-160.0, 240.0]);
    assert_eq!([window("CT"), window("unknown")], [abdomen.clone(), abdomen]);
}

#[test]
fn a_window_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    place_weights(folder.path());
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let job_id = upload(&server, "CT");
    let ask = |path: &str, body: &str| {
        let line = format!("POST /api/v1/jobs/{job_id}/{path}");
        let answer = exchange(&server.address, &line, "application/json", body.as_bytes()).unwrap();
        (answer.0, serde_json::from_slice::<Value>(&answer.1).unwrap())
    };
    let seen = || finished(&server, &job_id)["author"]["engine"]["model"]["window"].clone();
    let prompt = |window: &str, engine: &str| {
        let marks = r#""axis":2,"slice_index":5,"box":[10,8,24,20]"#;
        format!(r#"{{{marks},"window":{window},"engine":"{engine}"}}"#)
    };
    for (window, ends) in [
        (r#""lung""#, [-1350.0, 150.0]),
        (r#""none""#, [0.0, 255.0]),
        ("[-12.5, 80]", [-12.5, 80.0]),
        ("null", [-160.0, 240.0]),
    ] {
        assert_eq!(ask("initial-mask", &prompt(window, "medsam2")).0, 202);
        assert_eq!(seen(), serde_json::json!(ends), "{window}");
    }
    assert_eq!(ask("propagate", r#"{"window":"bone","range":[4,6]}"#).0, 202);
    assert_eq!(seen(), serde_json::json!([-700.0, 1300.0]));
    for (window, engine) in [
        (r#""skin""#, "medsam2"),
        ("[3,2]", "medsam2"),
        ("[3]", "medsam2"),
        (r#""lung""#, "graphcut"),
    ] {
        let (status, answer) = ask("initial-mask", &prompt(window, engine));
        assert_eq!((status, &answer["error"]["field"]), (422, &"window".into()), "{answer}");
    }
}

#[test]
fn points_on_several_slices_are_propagated_without_a_mask_and_bound_the_object() {
    let folder = tempfile::tempdir().unwrap();
    place_weights(folder.path());
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let job = format!("/api/v1/jobs/{}", upload(&server, "CT"));
    let mark = |slice: u32, label: u8| {
        let points = r#"[{"x":16,"y":14,"positive":true}]"#;
        format!(r#"{{"axis":2,"slice_index":{slice},"label":{label},"points":{points}}}"#)
    };
    let propagate = |body: &str| {
        let line = format!("POST {job}/propagate");
        exchange(&server.address, &line, "application/json", body.as_bytes()).unwrap().0
    };
    let extent = || finished(&server, job.rsplit('/').next().unwrap())["extent"].clone();
    assert_eq!(propagate("{}"), 409, "nothing is marked");
    for slice in [3, 9] {
        server.send(&format!("PUT {job}/prompts\n{}", mark(slice, 2)));
    }
    assert_eq!(propagate(r#"{"engine":"graphcut"}"#), 409);
    assert_eq!(propagate(r#"{"range":[0,2]}"#), 422);
    for n_times in 1..=2 {
        assert_eq!(propagate("{}"), 202);
        let ends = serde_json::json!({"axis": 2, "first": 3, "last": 9});
        assert_eq!(extent(), ends, "propagated {n_times} times");
    }

    // A slice that was segmented stays as it is and says nothing about the ends.
    server.send(&format!("POST {job}/initial-mask\n{}", mark(4, 3)));
    extent();
    server.send(&format!("PUT {job}/prompts\n{}", mark(8, 3)));
    assert_eq!(propagate("{}"), 202);
    assert_eq!(extent(), serde_json::json!({"axis": 2, "first": 0, "last": 11}));
}

#[test]
fn a_slice_that_is_looked_at_is_encoded_and_kept_until_its_image_goes() {
    let folder = tempfile::tempdir().unwrap();
    place_weights(folder.path());
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let job_id = server.ask("POST /api/v1/sample")["job_id"].as_str().unwrap().to_owned();
    let job = format!("/api/v1/jobs/{job_id}");
    let slice = r#"{"axis":2,"slice_index":30}"#;
    assert_eq!(server.ask(&format!("POST {job}/prepare\n{slice}"))["preparation"], "begun");
    let image = server.ask(&format!("GET {job}"))["image"]["sha256"].clone();
    let kept = folder.path().join("temp/embeddings").join(image.as_str().unwrap());
    let n_kept = || {
        let files = fs::read_dir(&kept).into_iter().flatten();
        files.filter(|it| it.as_ref().unwrap().path().extension().is_some()).count()
    };
    while n_kept() == 0 {
        std::thread::yield_now();
    }
    let prompt = r#"{"axis":2,"slice_index":30,"box":[100,100,160,150]}"#;
    server.send(&format!("POST {job}/initial-mask\n{prompt}"));
    finished(&server, &job_id);
    assert_eq!(n_kept(), 1);
    server.send(&format!("POST {job}/propagate\n{}", r#"{"range":[28,32]}"#));
    finished(&server, &job_id);
    assert_eq!(n_kept(), 5, "one embedding per slice");
    server.send(&format!("DELETE {job}"));
    assert!(!kept.exists(), "they go with the image");
}

#[test]
fn an_agent_elsewhere_lends_the_server_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::spawn(serve(folder.path(), ANY_PORT));
    let first = || server.ask("GET /api/v1/system/model")["engines"][0].clone();
    assert_eq!(first()["name"], "graphcut");
    let claim = |engines: &str| {
        let id = protocol::id::AgentId::fresh();
        let claim = format!(
            r#"{{"agent_id":"{id}","name":"gpu-box","protocol":1,"kinds":["segment_slice"],"engines":{engines},"wait_secs":0}}"#
        );
        server.send(&format!("POST /api/v1/claims\n{claim}"))
    };
    assert_eq!(claim(r#"["graphcut"]"#), "");
    assert_eq!(first()["name"], "graphcut");
    claim(r#"["medsam2"]"#);
    assert_eq!((&first()["name"], &first()["ready"]), (&"medsam2".into(), &true.into()));
    assert_eq!(first()["agents"], serde_json::json!(["gpu-box"]));
    assert!(first()["missing"].as_str().unwrap().contains("MedSAM2_latest.pt"));

    let job_id = server.ask("POST /api/v1/sample")["job_id"].as_str().unwrap().to_owned();
    let job = format!("/api/v1/jobs/{job_id}");
    let slice = r#"{"axis":2,"slice_index":30}"#;
    assert_eq!(server.ask(&format!("POST {job}/prepare\n{slice}"))["preparation"], "elsewhere");
    // The server's own agent has no weights and leaves the task to the other one.
    let prompt = r#"{"axis":2,"slice_index":30,"box":[100,100,160,150]}"#;
    let task = server.ask(&format!("POST {job}/initial-mask\n{prompt}"))["task_id"].clone();
    let lease: Value = serde_json::from_str(&claim(r#"["medsam2"]"#)).unwrap();
    assert_eq!(lease["task_id"], task);
}

#[test]
fn a_build_without_cuda_says_so_before_it_does_anything() {
    if cfg!(feature = "cuda") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let refused = |output: Output| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("this build has no CUDA"), "{said}");
    };
    refused(with_model(folder.path(), &["--device", "cuda"]));
    let mut command = serve(folder.path(), ANY_PORT);
    refused(command.env("DEVICE", "cuda:1").output().unwrap());
    let mut agent = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    agent.args(["agent", "--server", "http://127.0.0.1:9", "--device", "cuda"]);
    refused(agent.current_dir(folder.path()).output().unwrap());
    for device in ["auto", "cpu"] {
        let output = with_model(folder.path(), &["--device", device, "--two-d"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
