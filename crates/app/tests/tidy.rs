//! Checks about the repository itself; runs with every `cargo test`.
//!
//! Each rule collects all its offenders before failing, so one run shows the whole list.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MAX_LINES: usize = 400;

/// Files allowed to be longer, each with its reason. Shrink this list; do not grow it.
const LONG_FILES: &[(&str, &str)] = &[];

#[test]
fn files_are_short_enough_to_read() {
    check("longer than MAX_LINES", |path, text| {
        text.lines().count() > MAX_LINES && !LONG_FILES.iter().any(|(it, _)| path.ends_with(it))
    });
}

#[test]
fn the_list_of_long_files_names_only_long_files() {
    let files = rust_files();
    let idle: Vec<_> = LONG_FILES
        .iter()
        .filter(|(name, _)| {
            !files.iter().any(|it| {
                it.ends_with(name) && fs::read_to_string(it).unwrap().lines().count() > MAX_LINES
            })
        })
        .collect();
    assert!(idle.is_empty(), "no longer long, or no longer there: {idle:?}");
}

#[test]
fn every_module_says_what_it_is() {
    check("no `//!` on line 1", |_, text| !text.starts_with("//!"));
}

#[test]
fn no_test_is_ignored() {
    check("an ignored test", |_, text| text.contains(concat!("#[", "ignore")));
}

#[test]
fn todos_name_an_issue() {
    let marks = [concat!("TO", "DO:"), concat!("FIX", "ME:")];
    check("a bare to-do (write `TODO(#12)`)", |_, text| marks.iter().any(|it| text.contains(it)));
}

#[test]
fn only_the_store_writes_sql() {
    check("SQL outside server/src/store", |path, text| {
        let is_store = path.to_string_lossy().contains("server/src/store");
        let is_test = path.to_string_lossy().contains("/tests/");
        !is_store && !is_test && text.contains(concat!("sqlx::", "query"))
    });
}

#[test]
fn the_environment_is_read_in_one_place() {
    check("reads the environment", |path, text| {
        let is_config = path.ends_with("app/src/config.rs");
        let is_test = path.to_string_lossy().contains("/tests/");
        !is_config && !is_test && text.contains(concat!("std::env::", "var"))
    });
}

/// No machine's paths and no names of workplaces in what is committed.
#[test]
fn nothing_committed_names_a_machine() {
    let root = root();
    let listed = Command::new("git").arg("ls-files").current_dir(&root).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let marks = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
    let offenders: Vec<_> = String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .filter(|it| !it.ends_with("package-lock.json"))
        .filter(|it| {
            fs::read_to_string(root.join(it))
                .is_ok_and(|text| marks.iter().any(|mark| text.contains(mark)))
        })
        .map(str::to_owned)
        .collect();
    assert!(offenders.is_empty(), "machine paths in:\n{}", offenders.join("\n"));
}

#[track_caller]
fn check(rule: &str, broken: impl Fn(&Path, &str) -> bool) {
    let files = rust_files();
    assert!(!files.is_empty(), "found no source files: the walk itself is broken");
    let offenders: Vec<_> = files
        .iter()
        .filter(|path| broken(path, &fs::read_to_string(path).unwrap()))
        .map(|path| path.display().to_string())
        .collect();
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rust_files() -> Vec<PathBuf> {
    let (mut dirs, mut files) = (vec![root().join("crates")], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                dirs.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
