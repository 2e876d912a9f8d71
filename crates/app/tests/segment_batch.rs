//! `voxloop segment … --out DIR` as a process: many images, bad ones among them, killed and begun
//! again.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod scans;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use scans::{Ran, SHAPE, Scans};
use serde_json::{Value, json};
use volume::Labelmap;

#[track_caller]
fn check_misuse(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|it| it.file_type().is_file())
        .map(|it| it.path().strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/"))
        .collect();
    names.sort();
    names
}

#[test]
fn scans_of_the_same_name_become_masks_in_their_own_folders() {
    let scans = Scans::new(2);
    scans
        .run(&["--jobs", "2"])
        .check(0, &[("case1/ct.nii.gz", "done"), ("case2/ct.nii.gz", "done")]);
    let expected = ["case1/ct.mask.nii.gz", "case2/ct.mask.nii.gz", "manifest.jsonl"];
    assert_eq!(files(&scans.path("masks")), expected);
    assert_eq!(scans.mask("case1/ct.mask.nii.gz").shape(), SHAPE);
}

#[test]
fn a_batch_makes_the_mask_that_a_single_run_makes() {
    let scans = Scans::new(1);
    scans.run(&[]).check(0, &[("case1/ct.nii.gz", "done")]);
    let prompt = &scans.prompts["case1/ct.nii.gz"][0];
    let bounds: Vec<String> =
        prompt["box"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let single = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["segment", "scans/case1/ct.nii.gz", "-o", "single.nii.gz", "--box"])
        .arg(bounds.join(","))
        .args(["--slice", &prompt["slice_index"].to_string()])
        .current_dir(scans.folder.path())
        .status()
        .unwrap();
    assert!(single.success());
    let read = |name: &str| fs::read(scans.path(name)).unwrap();
    assert_eq!(read("single.nii.gz"), read("masks/case1/ct.mask.nii.gz"));
}

#[test]
fn bad_files_are_listed_with_their_reason_and_the_others_are_done() {
    let mut scans = Scans::new(3);
    fs::write(scans.path("scans/case2/ct.nii.gz"), b"no volume").unwrap();
    let off_image = json!([{ "axis": 2, "slice_index": 999, "box": [1, 2, 3, 4] }]);
    scans.prompts.insert("case3/ct.nii.gz".to_owned(), off_image);
    let ran = scans.run(&["--jobs", "1"]);
    let states =
        [("case1/ct.nii.gz", "done"), ("case2/ct.nii.gz", "failed"), ("case3/ct.nii.gz", "failed")];
    ran.check(1, &states);
    assert!(ran.stderr.contains("2 of 3 failed"), "{}", ran.stderr);
    assert!(ran.stderr.contains("case2/ct.nii.gz: cannot read"), "{}", ran.stderr);
    assert!(ran.stderr.contains("slice_index is 999"), "{}", ran.stderr);
    assert_eq!(ran.summary["segmented"], 1);

    // Mended, they alone are done.
    scans.add("case2/ct.nii.gz", 2);
    scans.add("case3/ct.nii.gz", 3);
    let states = [
        ("case1/ct.nii.gz", "unchanged"),
        ("case2/ct.nii.gz", "done"),
        ("case3/ct.nii.gz", "done"),
    ];
    scans.run(&[]).check(0, &states);
}

#[test]
fn a_further_run_does_only_what_would_come_out_otherwise() {
    let mut scans = Scans::new(3);
    scans.run(&[]);
    let mask = |n: u32| fs::read(scans.path(&format!("masks/case{n}/ct.mask.nii.gz"))).unwrap();
    let (first, second) = (mask(1), mask(2));

    scans.prompts.get_mut("case1/ct.nii.gz").unwrap()[0]["box"][0] = json!(3);
    scans.add("case3/ct.nii.gz", 77);
    let states = [
        ("case1/ct.nii.gz", "done"),
        ("case2/ct.nii.gz", "unchanged"),
        ("case3/ct.nii.gz", "done"),
    ];
    scans.run(&[]).check(0, &states);
    let mask = |n: u32| fs::read(scans.path(&format!("masks/case{n}/ct.mask.nii.gz"))).unwrap();
    assert_ne!(mask(1), first);
    assert_eq!(mask(2), second);

    let all = |state: &'static str| ["case1", "case2", "case3"].map(|it| (it, state));
    let short = |ran: &Ran| -> Vec<(String, String)> {
        let name = |it: &str| it.replace("/ct.nii.gz", "");
        ran.states.iter().map(|(it, state)| (name(it), state.clone())).collect()
    };
    let owned = |list: [(&str, &str); 3]| list.map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(short(&scans.run(&["--checksum"])), owned(all("unchanged")));
    assert_eq!(short(&scans.run(&["--two-d"])), owned(all("done")));
    assert_eq!(short(&scans.run(&["--two-d", "--force"])), owned(all("done")));
}

#[test]
fn a_mask_that_a_person_changed_is_kept() {
    let mut scans = Scans::new(1);
    scans.run(&[]);
    let path = scans.path("masks/case1/ct.mask.nii.gz");
    fs::write(&path, b"corrected by hand").unwrap();
    scans.run(&[]).check(0, &[("case1/ct.nii.gz", "edited")]);

    scans.prompts.get_mut("case1/ct.nii.gz").unwrap()[0]["box"][0] = json!(3);
    let ran = scans.run(&[]);
    ran.check(1, &[("case1/ct.nii.gz", "failed")]);
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
    assert_eq!(fs::read(&path).unwrap(), b"corrected by hand");
    scans.run(&["--force"]).check(0, &[("case1/ct.nii.gz", "done")]);
    assert_eq!(scans.mask("case1/ct.mask.nii.gz").shape(), SHAPE);
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_read_is_no_image_that_failed() {
    let scans = Scans::new(1);
    std::os::unix::fs::symlink("nowhere", scans.path("scans/lost")).unwrap();
    let ran = scans.run(&[]);
    ran.check(1, &[("case1/ct.nii.gz", "done")]);
    assert!(ran.stderr.contains("could not be looked into"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("failed"), "{}", ran.stderr);
    let counts = ["segmented", "failed", "not_done"].map(|it| ran.summary[it].clone());
    assert_eq!(counts, [json!(1), json!([]), json!(0)]);
    assert!(ran.summary["unreadable"][0]["name"].as_str().unwrap().ends_with("lost"));
}

/// Starts a run, waits for its first result, sends it a signal and gives that result and how it
/// ended. There are so many scans that the signal comes long before the last; few are left after.
fn stop_after_first_result(signal: &str) -> (Scans, String, Output) {
    let mut scans = Scans::new(1);
    let [image, prompt] = ["scans/case1/ct.nii.gz", "case1/ct.nii.gz"];
    let (image, prompt) = (scans.path(image), scans.prompts[prompt].clone());
    let copies: Vec<String> = (0..100).map(|n| format!("case1-copy{n:03}/ct.nii.gz")).collect();
    for name in &copies {
        let copy = scans.path("scans").join(name);
        fs::create_dir(copy.parent().unwrap()).unwrap();
        fs::copy(&image, copy).unwrap();
        scans.prompts.insert(name.clone(), prompt.clone());
    }
    scans.write_prompts();
    let args = ["scans", "--prompts", "prompts.json", "--json", "--jobs", "1"];
    let mut child =
        scans.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    // Read on, so that the process never waits for a full pipe.
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let output = child.wait_with_output().unwrap();

    let n_done = masks(&scans).len();
    for name in copies.iter().skip(n_done + 1) {
        fs::remove_file(scans.path("scans").join(name)).unwrap();
        scans.prompts.remove(name);
    }
    (scans, first, output)
}

fn masks(scans: &Scans) -> Vec<String> {
    let mut names = files(&scans.path("masks"));
    names.retain(|it| it.ends_with(".mask.nii.gz"));
    names
}

#[track_caller]
fn check_rest_is_done(scans: &Scans, first: &str) {
    let n_scans = scans.prompts.len();
    let first: Value = serde_json::from_str(first).unwrap();
    assert_eq!(first["state"], "done");
    // Whatever bears the name of a mask is whole.
    for name in masks(scans) {
        assert_eq!(scans.mask(&name).shape(), SHAPE);
    }
    let ran = scans.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.states.len(), n_scans);
    assert_eq!(ran.states[first["name"].as_str().unwrap()], "unchanged");
    let found = files(&scans.path("masks"));
    assert_eq!(found.len(), n_scans + 1, "a mask each and the manifest: {found:?}");
}

#[cfg(unix)]
#[test]
fn after_kill_9_a_further_run_goes_on_and_no_half_file_is_left() {
    let (scans, first, output) = stop_after_first_result("-KILL");
    assert!(!output.status.success());
    // As a write that was cut off would leave it.
    let manifest = scans.path("masks/manifest.jsonl");
    let mut text = fs::read_to_string(&manifest).unwrap();
    text.push_str(r#"{"state":"done","name":"ca"#);
    fs::write(&manifest, text).unwrap();
    fs::write(scans.path("masks/case1/.voxloop-abc.partial"), b"half").unwrap();
    check_rest_is_done(&scans, &first);
}

#[cfg(unix)]
#[test]
fn after_ctrl_c_the_run_says_how_to_go_on_and_a_further_one_does() {
    let (scans, first, output) = stop_after_first_result("-INT");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("run the same command again"), "{said}");
    check_rest_is_done(&scans, &first);
}

#[test]
fn who_reads_the_results_may_leave_and_the_work_is_done() {
    let scans = Scans::new(3);
    scans.write_prompts();
    let mut command = scans.command(&["scans", "--prompts", "prompts.json", "--jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(files(&scans.path("masks")).len(), 4);
}

#[test]
fn globs_that_no_shell_opened_are_understood() {
    let mut scans = Scans::new(2);
    scans.add("case1/mr.nii.gz", 9);
    scans.write_prompts();
    let args = ["scans/*/ct.nii.gz", "--prompts", "prompts.json", "--json"];
    let ran = Ran::of(&scans.command(&args).output().unwrap());
    ran.check(0, &[("case1/ct.nii.gz", "done"), ("case2/ct.nii.gz", "done")]);
    assert_eq!(ran.summary["prompts_without_image"], json!(["case1/mr.nii.gz"]));
}

#[test]
fn prompts_may_lie_beside_the_image_and_label_files_are_left_out() {
    let scans = Scans::new(1);
    let prompts = scans.prompts["case1/ct.nii.gz"].to_string();
    fs::write(scans.path("scans/case1/ct.prompts.json"), prompts).unwrap();
    fs::write(scans.path("scans/case1/ct.label.nii.gz"), b"labels").unwrap();
    let ran = Ran::of(&scans.command(&["scans", "--json"]).output().unwrap());
    ran.check(0, &[("case1/ct.nii.gz", "done")]);
    assert_eq!(ran.summary["without_prompts"], json!(["case1/ct.label.nii.gz"]));

    fs::write(scans.path("scans/case1/ct.prompts.json"), r#"[{"axis": 2, "bx": 1}]"#).unwrap();
    let ran = Ran::of(&scans.command(&["scans", "--json"]).output().unwrap());
    ran.check(1, &[("case1/ct.nii.gz", "failed")]);
    assert!(ran.stderr.contains("ct.prompts.json: prompts[0].bx is no field"), "{}", ran.stderr);
}

#[test]
fn every_object_of_an_image_gets_its_label_in_one_mask() {
    let mut scans = Scans::new(1);
    let mut second = scans.prompts["case1/ct.nii.gz"][0].clone();
    second["label"] = json!(7);
    second["box"] = json!([2, 2, 9, 9]);
    scans.prompts.get_mut("case1/ct.nii.gz").unwrap().as_array_mut().unwrap().push(second);
    let ran = scans.run(&["--two-d"]);
    ran.check(0, &[("case1/ct.nii.gz", "done")]);
    let labels = Labelmap::from_volume(&scans.mask("case1/ct.mask.nii.gz")).unwrap();
    assert!(labels.count(1) > 0);
    let manifest = fs::read_to_string(scans.path("masks/manifest.jsonl")).unwrap();
    let entry: Value = serde_json::from_str(manifest.lines().next().unwrap()).unwrap();
    assert_eq!(entry["objects"][1]["label"], 7);
    assert_eq!(entry["objects"][1]["voxels"], labels.count(7));
    assert_eq!(entry["engine"]["name"], "graphcut");
}

#[test]
fn wrong_use_is_said_before_any_work() {
    let scans = Scans::new(1);
    scans.write_prompts();
    let run = |args: &[&str]| scans.command(args).output().unwrap();
    fs::create_dir(scans.path("empty")).unwrap();
    check_misuse(&run(&["empty"]), &["empty holds no volume"]);
    check_misuse(&run(&["scans/**/mr.nii"]), &["matches no volume"]);
    check_misuse(&run(&["scans"]), &["has prompts", "--prompts FILE"]);
    check_misuse(&run(&["scans", "--slice", "3"]), &["--out", "--slice"]);
    check_misuse(&run(&["scans", "--jobs", "0"]), &["--jobs", "1 or more"]);
    fs::write(scans.path("bad.json"), r#"{"case1/ct.nii.gz": [{"axis": 2}], "x": 3}"#).unwrap();
    check_misuse(
        &run(&["scans", "--prompts", "bad.json"]),
        &["bad.json", "`case1/ct.nii.gz`", "slice_index", "`x`: expected a list"],
    );
    assert!(!scans.path("masks").exists());
}

#[test]
fn an_image_is_never_overwritten() {
    let mut scans = Scans::new(0);
    scans.add("ct.nii.gz", 1);
    scans.add("ct.mask.nii.gz", 2);
    scans.write_prompts();
    let output = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["segment", "scans", "--prompts", "prompts.json", "--out", "scans", "--force"])
        .current_dir(scans.folder.path())
        .output()
        .unwrap();
    check_misuse(&output, &["would overwrite the image", "ct.mask.nii.gz"]);
}

#[cfg(unix)]
#[test]
fn an_image_behind_a_link_is_never_overwritten() {
    let mut scans = Scans::new(0);
    scans.add("case1/ct.nii.gz", 1);
    scans.add("case1/ct.mask.nii.gz", 2);
    fs::create_dir(scans.path("masks")).unwrap();
    std::os::unix::fs::symlink("../scans/case1", scans.path("masks/case1")).unwrap();
    scans.write_prompts();
    let args = ["scans", "--prompts", "prompts.json", "--force"];
    check_misuse(&scans.command(&args).output().unwrap(), &["would overwrite the image"]);
}

/// Two patients' scans, `p1/ct.nii` and `p2/ct.nii`: of the same size, marked at the same place.
fn two_patients() -> Scans {
    let mut scans = Scans::new(0);
    for (n, name) in ["p1/ct.nii", "p2/ct.nii"].into_iter().enumerate() {
        scans.add(name, 1 + u64::try_from(n).unwrap());
        let beside = scans.path("scans").join(name).with_file_name("ct.prompts.json");
        fs::write(beside, scans.prompts["p1/ct.nii"].to_string()).unwrap();
    }
    scans
}

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn segment(scans: &Scans, args: &[&str]) -> Ran {
    Ran::of(&scans.command(&[args, &["--json"]].concat()).output().unwrap())
}

#[test]
fn another_patients_scan_of_the_same_size_and_time_is_read() {
    let scans = two_patients();
    for name in ["p1/ct.nii", "p2/ct.nii"] {
        set_time(&scans.path("scans").join(name), 1_000_000_000);
    }
    segment(&scans, &["scans/p1/ct.nii"]).check(0, &[("ct.nii", "done")]);
    let first = fs::read(scans.path("masks/ct.mask.nii.gz")).unwrap();
    segment(&scans, &["scans/p2/ct.nii", "--force"]).check(0, &[("ct.nii", "done")]);
    assert_ne!(fs::read(scans.path("masks/ct.mask.nii.gz")).unwrap(), first);
    let manifest = fs::read_to_string(scans.path("masks/manifest.jsonl")).unwrap();
    let image = |line: &str| serde_json::from_str::<Value>(line).unwrap()["image"].take();
    let images: Vec<Value> = manifest.lines().map(image).collect();
    assert_eq!(images[0]["modified_ns"], images[1]["modified_ns"]);
    assert_ne!(images[0]["sha256"], images[1]["sha256"]);
}

#[test]
fn the_mask_of_another_patient_is_kept() {
    let scans = two_patients();
    segment(&scans, &["scans/p1/ct.nii"]).check(0, &[("ct.nii", "done")]);
    let mask = || fs::read(scans.path("masks/ct.mask.nii.gz")).unwrap();
    let first = mask();
    for args in [["scans/p2/ct.nii", "--quiet"], ["scans/p2/ct.nii", "--checksum"]] {
        let ran = segment(&scans, &args);
        ran.check(1, &[("ct.nii", "failed")]);
        for word in ["ct.mask.nii.gz", "p1/ct.nii", "--force"] {
            assert!(ran.stderr.contains(word), "`{word}` is missing in: {}", ran.stderr);
        }
    }
    assert_eq!(mask(), first);

    // Elsewhere the same image is the same image.
    fs::rename(scans.path("scans/p1"), scans.path("scans/p3")).unwrap();
    segment(&scans, &["scans/p3/ct.nii"]).check(0, &[("ct.nii", "unchanged")]);
    segment(&scans, &["scans/p2/ct.nii", "--force"]).check(0, &[("ct.nii", "done")]);
    assert_ne!(mask(), first);
}
