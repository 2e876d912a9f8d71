//! Scans and prompts in a folder of their own, and `voxloop segment … --out DIR` run on them.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use volume::{Labelmap, MaskFormat, ReadOptions, Volume, phantom, write_volume};

pub(crate) const SHAPE: [usize; 3] = [48, 48, 12];

/// A folder of scans, each `CASE/ct.nii.gz`, and prompts for all of them.
pub(crate) struct Scans {
    pub(crate) folder: tempfile::TempDir,
    /// By the image's name.
    pub(crate) prompts: BTreeMap<String, Value>,
}

impl Scans {
    pub(crate) fn new(n_scans: u64) -> Self {
        let mut scans = Self { folder: tempfile::tempdir().unwrap(), prompts: BTreeMap::new() };
        for seed in 1..=n_scans {
            scans.add(&format!("case{seed}/ct.nii.gz"), seed);
        }
        scans
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn add(&mut self, name: &str, seed: u64) {
        let options = phantom::PhantomOptions { seed, ..phantom::PhantomOptions::ct(SHAPE) };
        let made = phantom::phantom(&options);
        let path = self.path(&format!("scans/{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let format = MaskFormat::of_file_name(name).unwrap();
        write_volume(&made.volume, format, fs::File::create(path).unwrap()).unwrap();
        self.prompts.insert(name.to_owned(), json!([careful_prompt(&made.labelmap)]));
    }

    pub(crate) fn write_prompts(&self) {
        fs::write(self.path("prompts.json"), json!(self.prompts).to_string()).unwrap();
    }

    /// `voxloop segment ARGS --out masks`, in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
        command
            .arg("segment")
            .args(args)
            .args(["--out", "masks"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs on the whole folder and gives what it printed, the summary apart.
    pub(crate) fn run(&self, more: &[&str]) -> Ran {
        self.write_prompts();
        let args = [&["scans", "--prompts", "prompts.json", "--json"], more].concat();
        Ran::of(&self.command(&args).output().unwrap())
    }

    pub(crate) fn mask(&self, name: &str) -> Volume {
        let path = self.path("masks").join(name);
        volume::read(&path, name, &ReadOptions::default()).unwrap()
    }
}

/// The largest object's own bounds on its largest slice.
fn careful_prompt(truth: &Labelmap) -> Value {
    let object = truth.labels().into_iter().skip(1).max_by_key(|it| truth.count(*it)).unwrap();
    let counts = truth.slice_counts(2, object);
    let slice = (0..counts.len()).max_by_key(|it| counts[*it]).unwrap();
    let mut largest = Labelmap::new(truth.shape);
    largest.set_slice(2, slice, &truth.binary(object).slice(2, slice));
    let [i, j, _] = largest.bounding_box(1).unwrap();
    let bounds = [i.start(), j.start(), i.end(), j.end()];
    json!({ "axis": 2, "slice_index": slice, "label": 1, "box": bounds })
}

/// What a run said.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) states: BTreeMap<String, String>,
    pub(crate) summary: Value,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let stdout = String::from_utf8(output.stdout.clone()).unwrap();
        let mut lines: Vec<Value> =
            stdout.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        let summary = lines.pop().map_or(Value::Null, |mut it| it["summary"].take());
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let states = lines.iter().map(|it| (text(&it["name"]), text(&it["state"]))).collect();
        Self { code: output.status.code(), states, summary, stderr }
    }

    #[track_caller]
    pub(crate) fn check(&self, code: i32, states: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> =
            self.states.iter().map(|(name, state)| (name.as_str(), state.as_str())).collect();
        assert_eq!(found, states, "{}", self.stderr);
        assert_eq!(self.code, Some(code), "{}", self.stderr);
    }
}
