//! `voxloop eval` as a process: folders, files and globs of cases, bad ones among them, scores kept.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn voxloop(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_voxloop")).args(args).current_dir(folder).output().unwrap()
}

/// Small phantoms with a few cases.
fn cases() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["sample", "cases", "--size", "small", "--only", "ct-oblique", "--only", "ct-flipped"];
    assert!(voxloop(folder.path(), &args).status.success());
    folder
}

fn rows(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// Rows without the times, which differ from run to run.
fn scores(output: &Output) -> Vec<Value> {
    let mut rows = rows(output);
    for row in &mut rows {
        if let Some(fields) = row.as_object_mut() {
            fields.retain(|name, _| name.starts_with("dice") || name == "case");
        }
    }
    rows
}

#[test]
fn several_at_once_score_as_one_after_the_other_and_in_the_same_order() {
    let folder = cases();
    let alone = voxloop(folder.path(), &["eval", "cases", "--json"]);
    let together = voxloop(folder.path(), &["eval", "cases/*.json", "--json", "--jobs", "3"]);
    assert!(alone.status.success() && together.status.success());
    assert!(scores(&alone).len() > 2);
    assert_eq!(scores(&alone), scores(&together));
    assert!(String::from_utf8_lossy(&together.stderr).contains("times"));
}

#[test]
fn a_bad_case_is_listed_and_the_mean_is_of_the_others() {
    let folder = cases();
    let good = rows(&voxloop(folder.path(), &["eval", "cases", "--json"]));
    fs::write(folder.path().join("cases/a-bad-one.json"), "{").unwrap();
    let output = voxloop(folder.path(), &["eval", "cases", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let found = rows(&output);
    assert_eq!(found.len(), good.len() + 1);
    assert!(found[0]["error"].as_str().unwrap().contains("is no case"));
    let (mean, before) = (found.last().unwrap(), good.last().unwrap());
    assert_eq!(mean["mean"]["dice_3d"], before["mean"]["dice_3d"]);
    assert_eq!((&mean["failed"], &mean["scored"]), (&Value::from(1), &before["scored"]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("a-bad-one: ") && said.contains("the mean is of"), "{said}");
}

#[test]
fn scores_of_cases_that_are_as_they_were_are_taken_from_the_file() {
    let folder = cases();
    let args = ["eval", "cases", "--json", "--scores", "scores.jsonl"];
    let first = voxloop(folder.path(), &args);
    let file = folder.path().join("scores.jsonl");
    let lines = |text: &str| text.lines().count();
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(lines(&kept), rows(&first).len() - 1);
    // As if killed in the middle of the last line: that case alone is scored again.
    fs::write(&file, &kept[..kept.len() - 20]).unwrap();
    let second = voxloop(folder.path(), &args);
    assert_eq!(scores(&first), scores(&second));
    assert_eq!(lines(&fs::read_to_string(&file).unwrap()), lines(&kept));
    // The times too: all but the last were not taken anew.
    let n_same = rows(&first).iter().zip(rows(&second)).filter(|(a, b)| *a == b).count();
    assert!(n_same >= lines(&kept) - 1);
}

#[test]
fn times_from_the_file_are_told_apart_by_how_they_were_taken() {
    let folder = cases();
    let args = ["eval", "cases", "--json", "--scores", "scores.jsonl"];
    let jobs = |output: &Output| rows(output).pop().unwrap()["jobs"].take();
    let together = voxloop(folder.path(), &[&args[..], &["--jobs", "3"]].concat());
    assert_eq!(jobs(&together), 3);
    // None is scored anew: the times are still those of three at once.
    let kept = voxloop(folder.path(), &args);
    assert_eq!(jobs(&kept), 3);
    assert!(String::from_utf8_lossy(&kept.stderr).contains("3 cases at once"));
}

#[test]
fn scores_are_never_written_into_a_file_that_is_read() {
    let folder = cases();
    let case = fs::read_dir(folder.path().join("cases"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .find(|it| it.extension().is_some_and(|ending| ending == "json"))
        .unwrap();
    let text: Value = serde_json::from_slice(&fs::read(&case).unwrap()).unwrap();
    fs::write(&case, text.to_string()).unwrap();
    let image = case.with_file_name(text["image"].as_str().unwrap());
    for file in [&case, &image] {
        let before = fs::read(file).unwrap();
        let scores = file.parent().unwrap().join(".").join(file.file_name().unwrap());
        let output =
            voxloop(folder.path(), &["eval", "cases", "--scores", scores.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--scores") && said.contains("CASES"), "{said}");
        assert_eq!(fs::read(file).unwrap(), before);
    }
}

#[test]
fn arguments_that_name_no_case_are_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (argument, words) in [("empty", "holds no case"), ("empty/*.json", "matches no case")] {
        let output = voxloop(folder.path(), &["eval", argument]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words));
    }
}
