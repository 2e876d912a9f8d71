//! Programs as tasks, with real processes: what they are given, what is taken, what is left of them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is the answer")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agent::{
    program::Program,
    runner::{Assignment, Control, ProgramOutput, RunError, RunSoFar},
};
use protocol::task::{FailureClass, Progress, TaskFailure};
use serde_json::{Value, json};

const INPUT: &str = "5d5b09f6dcb2d53a5fffc60c4ac0d55fabdf556069d6631545f42aa6e3500f2e";

/// Listens to a program; stops it once it says `stop me`.
#[derive(Default)]
struct Listener {
    log: Mutex<String>,
    progress: Mutex<Vec<Progress>>,
    is_cancelled: AtomicBool,
}

impl Control for Listener {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }

    fn partial(&self, _so_far: RunSoFar) {}

    fn log(&self, text: &str) {
        self.log.lock().unwrap().push_str(text);
        if text.contains("stop me") {
            self.is_cancelled.store(true, Ordering::SeqCst);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }
}

struct Stage {
    folder: tempfile::TempDir,
    listener: Listener,
}

impl Stage {
    fn set() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), listener: Listener::default() }
    }

    fn runs(&self) -> PathBuf {
        self.folder.path().join("programs")
    }

    /// Runs a shell script as the program `lab`, which may write a megabyte.
    fn run(&self, script: &str) -> Result<ProgramOutput, RunError> {
        let path = self.folder.path().join("lab.sh");
        fs::write(&path, script).unwrap();
        let input = self.folder.path().join("input");
        fs::write(&input, "a slide").unwrap();
        let command = format!("sh '{}'", path.display());
        let program = Program::new(&command, Some("lab"), self.runs(), 1 << 20).unwrap();
        let lease = serde_json::from_value(json!({
            "task_id": "00000000-0000-7000-8000-000000000001", "fence": 1, "lease_ms": 1,
            "heartbeat_ms": 1, "time_limit_ms": 1,
            "spec": {
                "kind": "external", "program": "lab", "arguments": { "slide": "S-1" },
                "inputs": [{ "name": "my slide.svs", "sha256": INPUT, "size": 7 }],
            },
        }));
        let inputs = BTreeMap::from([(INPUT.parse().unwrap(), input)]);
        let assignment = Assignment { lease: lease.unwrap(), device: "cuda:1".to_owned(), inputs };
        program.with_grace(Duration::from_millis(300)).run(&assignment, &self.listener)
    }

    fn failure(&self, script: &str) -> TaskFailure {
        match self.run(script) {
            Err(RunError::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// Files named `pid…` that the script left, as numbers.
    fn pids(&self) -> Vec<u32> {
        let named = |it: &PathBuf| it.file_name().unwrap().to_str().unwrap().starts_with("pid");
        let files = fs::read_dir(self.folder.path()).unwrap().map(|it| it.unwrap().path());
        files
            .filter(named)
            .map(|it| fs::read_to_string(it).unwrap().trim().parse().unwrap())
            .collect()
    }

    /// No process of these numbers lives, and no run's folder is left.
    fn check_nothing_is_left(&self, n_processes: usize) {
        let pids = self.pids();
        assert_eq!(pids.len(), n_processes, "{pids:?}");
        for pid in pids {
            assert!(!lives(pid), "process {pid} is left");
        }
        assert_eq!(fs::read_dir(self.runs()).unwrap().count(), 0);
    }
}

/// Whether a process lives; one that nobody has reaped yet does not.
fn lives(pid: u32) -> bool {
    let answer = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8(answer.stdout).unwrap();
    !state.trim().is_empty() && !state.trim_start().starts_with('Z')
}

#[test]
fn a_program_is_given_json_and_files_and_gives_both_back() {
    let stage = Stage::set();
    let made = stage
        .run(
            r#"
            cat > "$VOXLOOP_FOLDER/out/result.json"
            cmp "$VOXLOOP_FOLDER/task.json" "$VOXLOOP_FOLDER/out/result.json" || exit 1
            mkdir "$VOXLOOP_FOLDER/out/maps"
            cp "$VOXLOOP_FOLDER/inputs/my slide.svs" "$VOXLOOP_FOLDER/out/maps/heat.png"
            echo overwritten > "$VOXLOOP_FOLDER/inputs/my slide.svs"
            [ -d "$TMPDIR" ] || exit 2
            echo reading; echo "voxloop: 3/10 tiles"; echo careful >&2
            "#,
        )
        .unwrap();
    assert_eq!(made.result["arguments"], json!({ "slide": "S-1" }));
    assert_eq!(
        (&made.result["device"], &made.result["smaller"]),
        (&json!("cuda:1"), &json!(false))
    );
    let input = &made.result["inputs"][0];
    assert_eq!((&input["name"], &input["size"]), (&json!("my slide.svs"), &json!(7)));
    let [file] = &made.files[..] else { panic!("{:?}", made.files) };
    assert_eq!((file.name.as_str(), file.size), ("maps/heat.png", 7));
    assert_eq!(
        (file.media_type.as_str(), fs::read(&file.path).unwrap()),
        ("image/png", b"a slide".to_vec())
    );
    assert_eq!(fs::read(stage.folder.path().join("input")).unwrap(), b"a slide", "it had a copy");
    let progress = Progress { done: 3, total: 10, stage: "tiles".to_owned() };
    assert_eq!(*stage.listener.progress.lock().unwrap(), [progress]);
    let log = stage.listener.log.lock().unwrap().clone();
    assert!(log.contains("reading\n") && log.contains("careful\n"), "{log}");
    assert!(Path::new(made.result["out"].as_str().unwrap()).is_absolute());
    drop(made);
    stage.check_nothing_is_left(0);
}

#[test]
fn what_is_still_to_be_delivered_is_not_removed_by_another_agent() {
    let stage = Stage::set();
    let made = stage.run("echo 1 > $VOXLOOP_FOLDER/out/a").unwrap();
    Program::new("true", None, stage.runs(), 1).unwrap().clear().unwrap();
    assert_eq!(fs::read(&made.files[0].path).unwrap(), b"1\n");
    drop(made);
    stage.check_nothing_is_left(0);
}

#[test]
fn the_exit_says_whether_another_attempt_makes_sense() {
    for (script, class, code) in [
        ("echo no tissue >&2; exit 3", FailureClass::Permanent, "program_failed"),
        ("exit 75", FailureClass::Retryable, "program_asks_again"),
        ("exit 137", FailureClass::OutOfMemory, "out_of_memory"),
        ("kill -KILL $$", FailureClass::OutOfMemory, "out_of_memory"),
        ("kill -TERM $$", FailureClass::Retryable, "program_stopped"),
        ("kill -SEGV $$", FailureClass::Crashed, "program_crashed"),
        ("echo '{' > $VOXLOOP_FOLDER/out/result.json", FailureClass::Permanent, "bad_output"),
    ] {
        let stage = Stage::set();
        let failure = stage.failure(script);
        assert_eq!((failure.class, failure.code.as_str()), (class, code), "{script}");
        stage.check_nothing_is_left(0);
    }
    let failure = Stage::set().failure("echo out; echo no tissue >&2; exit 3");
    assert_eq!(failure.message, "the program failed with exit code 3: no tissue");
    let stage = Stage::set();
    let program = Program::new("./there-is-none", Some("lab"), stage.runs(), 1).unwrap();
    assert_eq!(program.name(), "lab");
}

#[test]
fn a_stopped_program_leaves_no_process_though_they_ignore_sigterm() {
    let stage = Stage::set();
    let here = stage.folder.path().display();
    // A grandchild, its own child, and one that left the process group.
    let script = format!(
        r#"
        trap '' TERM
        sh -c 'sleep 1000 & echo $! > {here}/pid1; echo $$ > {here}/pid2; wait' &
        setsid sh -c 'echo $$ > {here}/pid3; exec sleep 1000' &
        echo $$ > {here}/pid4
        while [ ! -s {here}/pid1 ] || [ ! -s {here}/pid2 ] || [ ! -s {here}/pid3 ]; do :; done
        echo stop me
        wait
        "#
    );
    assert_eq!(stage.run(&script).unwrap_err(), RunError::Stopped);
    stage.check_nothing_is_left(4);
}

#[test]
fn a_program_that_cleans_up_has_time_for_it() {
    let stage = Stage::set();
    let here = stage.folder.path().display();
    let script = format!(
        "trap 'echo cleaned > {here}/cleaned; exit 0' TERM\necho stop me\nwhile :; do sleep 0.01; done"
    );
    assert_eq!(stage.run(&script).unwrap_err(), RunError::Stopped);
    assert_eq!(fs::read_to_string(stage.folder.path().join("cleaned")).unwrap(), "cleaned\n");
}

#[test]
fn children_that_outlive_their_program_are_ended() {
    let stage = Stage::set();
    let here = stage.folder.path().display();
    let script = format!(
        r#"
        sleep 1000 & echo $! > {here}/pid1
        setsid sleep 1000 & echo $! > {here}/pid2
        echo '"done"' > "$VOXLOOP_FOLDER/out/result.json"
        "#
    );
    let made = stage.run(&script).unwrap();
    assert_eq!(made.result, json!("done"));
    drop(made);
    stage.check_nothing_is_left(2);
}

#[test]
fn a_program_that_writes_without_end_is_stopped() {
    let stage = Stage::set();
    let failure = stage.failure("exec yes > $VOXLOOP_FOLDER/out/much");
    assert_eq!(failure.code, "output_too_large");
    stage.check_nothing_is_left(0);
}

#[test]
fn a_program_that_talks_without_end_is_heard_to_the_end() {
    let stage = Stage::set();
    let failure = stage.failure("seq 1 50000; exit 3");
    let lines: Vec<_> = failure.message.lines().collect();
    assert_eq!((lines.len(), lines.last()), (20, Some(&"50000")));
    assert!(stage.listener.log.lock().unwrap().ends_with("49999\n50000\n"));
}

#[test]
fn what_a_killed_agent_left_is_removed() {
    let stage = Stage::set();
    let run = stage.runs().join("run-left");
    fs::create_dir_all(run.join("out")).unwrap();
    fs::write(run.join("lock"), "").unwrap();
    let mut left = Command::new("sleep")
        .arg("1000")
        .env("VOXLOOP_FOLDER", &run)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let held = stage.runs().join("run-held");
    fs::create_dir_all(&held).unwrap();
    let lock = fs::File::create(held.join("lock")).unwrap();
    lock.try_lock().unwrap();

    let program = Program::new("true", Some("lab"), stage.runs(), 1).unwrap();
    program.clear().unwrap();
    assert!(!run.exists() && held.exists());
    assert_eq!(left.wait().unwrap().code(), None, "it was killed");
}

#[test]
fn a_program_that_is_not_there_may_be_on_another_machine() {
    let stage = Stage::set();
    let command = format!("'{}'", stage.folder.path().join("none").display());
    let program = Program::new(&command, Some("lab"), stage.runs(), 1).unwrap();
    let lease: Value = json!({
        "task_id": "00000000-0000-7000-8000-000000000001", "fence": 1, "lease_ms": 1,
        "heartbeat_ms": 1, "time_limit_ms": 1,
        "spec": { "kind": "external", "program": "lab", "arguments": {} },
    });
    let assignment = Assignment {
        lease: serde_json::from_value(lease).unwrap(),
        device: "cpu".to_owned(),
        inputs: BTreeMap::new(),
    };
    let error = program.run(&assignment, &stage.listener).unwrap_err();
    let RunError::Failed(failure) = error else { panic!("{error:?}") };
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Retryable, "program_missing")
    );
}
