//! `voxloop segment` of one image: no file is written over another one of the same call, and what is
//! marked names its slice.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use volume::{
    MaskFormat,
    phantom::{PhantomOptions, phantom},
    write_volume,
};

const WEIGHTS: &[&str] =
    &["--engine", "medsam2", "--model", "weights.pt", "--config", "weights.yaml"];

/// An image and weights, whose bytes are never looked at.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("ct.nii.gz")).unwrap();
    let made = phantom(&PhantomOptions::ct([24, 20, 6]));
    write_volume(&made.volume, MaskFormat::NiftiGz, file).unwrap();
    for name in ["weights.pt", "weights.yaml"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    folder
}

fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    // Of a link that leads nowhere nothing can be read.
    entries.map(|it| (it.clone(), fs::read(it).unwrap_or_default())).collect()
}

#[track_caller]
fn check_refusal(folder: &Path, flags: &[&str], words: [&str; 2]) {
    let before = bytes(folder);
    let output = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["segment", "ct.nii.gz", "--slice", "3", "--box", "4,4,14,12"])
        .args(flags)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
    assert!(bytes(folder) == before, "a file was made or changed");
}

#[test]
fn no_output_takes_the_place_of_what_is_read() {
    let folder = files();
    let folder = folder.path();
    check_refusal(folder, &["-o", "ct.nii.gz"], ["-o ct.nii.gz", "IMAGE"]);
    let absolute = folder.join("ct.nii.gz");
    check_refusal(folder, &["-o", absolute.to_str().unwrap()], ["-o /", "IMAGE"]);
    check_refusal(folder, &["-o", "m.nii", "--timing", "./ct.nii.gz"], ["--timing", "IMAGE"]);
    for (flag, file, read) in [
        ("--logits", "ct.nii.gz", "IMAGE"),
        ("--logits", "./weights.pt", "--model"),
        ("--timing", "weights.yaml", "--config"),
    ] {
        let flags = [WEIGHTS, &["-o", "m.nii", flag, file]].concat();
        check_refusal(folder, &flags, [flag, read]);
    }
}

#[test]
fn no_two_outputs_are_one_file() {
    let folder = files();
    let folder = folder.path();
    check_refusal(folder, &["-o", "m.nii", "--timing", "./m.nii"], ["-o", "--timing"]);
    let both = [WEIGHTS, &["-o", "m.nii", "--logits", "m.nii"]].concat();
    check_refusal(folder, &both, ["-o", "--logits"]);
    let up = format!("../{}/x", folder.file_name().unwrap().to_str().unwrap());
    let both = [WEIGHTS, &["-o", "m.nii", "--logits", "x", "--timing", up.as_str()]].concat();
    check_refusal(folder, &both, ["--logits", "--timing"]);
}

#[test]
fn points_that_name_their_slices_need_no_other() {
    let folder = files();
    let run = |flags: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_voxloop"))
            .args(["segment", "ct.nii.gz", "-o", "mask.nii"])
            .args(flags)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said, fs::read(folder.path().join("mask.nii")).ok())
    };
    let points = ["--point", "2,2,1,-", "--point", "9,9,2,+", "--point", "9,9,4,+"];
    let found = run(&points);
    assert_eq!(found.0, Some(0), "{}", found.1);
    assert_eq!(run(&[&points[..], &["--slice", "2"]].concat()), found);
    for (flags, words) in [
        (&["--box", "4,4,9,9"] as &[&str], "--slice is missing"),
        (&["--point", "9,9,+"], "--slice is missing"),
        (&["--point", "9,9,2,-"], "--slice and --box"),
        (&[], "--slice and --box"),
        (&["--slice", "3", "--point", "9,9,2,+"], "slice 3 needs --box"),
    ] {
        let (code, said, _) = run(flags);
        assert!(code == Some(2) && said.contains(words), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_does_not_hide_a_file() {
    let folder = files();
    let folder = folder.path();
    std::os::unix::fs::symlink("ct.nii.gz", folder.join("link.nii.gz")).unwrap();
    check_refusal(folder, &["-o", "link.nii.gz"], ["-o", "IMAGE"]);
    let none = folder.join("none.nii.gz");
    std::os::unix::fs::symlink(folder.join("later.nii.gz"), none).unwrap();
    let timing = folder.join("later.nii.gz");
    let flags = ["-o", "none.nii.gz", "--timing", timing.to_str().unwrap()];
    check_refusal(folder, &flags, ["-o", "--timing"]);
}
