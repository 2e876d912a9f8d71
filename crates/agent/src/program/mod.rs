//! A laboratory's own program as a task: JSON in, files out, an honest exit code.
//!
//! Each run has a folder of its own with `task.json` (also on the program's standard input), the
//! inputs, and `out/` for what it makes: `result.json` and any other files. What the program writes to
//! its standard output and error is the task's log; lines such as `voxloop: 3/10 reading` are its
//! progress. It runs in a process group of its own, of which nothing is left when it ends.

mod child;
mod group;
mod output;
mod said;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::{
    external::{External, is_program_name},
    task::{FailureClass, TaskFailure},
};
use serde_json::json;
use tempfile::TempDir;

use crate::runner::{Assignment, Control, ProgramOutput, RunError};

/// The variable by which every process of a run is known: the run's folder.
const FOLDER: &str = "VOXLOOP_FOLDER";

/// Held while a run lasts: the folder of one that nobody holds is left from a crash.
const LOCK: &str = "lock";

/// Time to clean up after a request to end.
const GRACE: Duration = Duration::from_secs(5);

/// What the names of scripts end with that interpreters are given.
const SCRIPTS: [&str; 11] = ["py", "sh", "bash", "R", "r", "jl", "js", "mjs", "pl", "rb", "jar"];

/// What a run may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Bytes that it may write.
    max_output: u64,
    /// Time to clean up after a request to end.
    grace: Duration,
}

/// A command that cannot be a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It is empty, or a quotation mark is left open.
    #[error("`{0}` is no command: give a program and its arguments, as in a shell")]
    NoCommand(String),
    /// The name has signs that no program's name has.
    #[error("`{0}` cannot name a program: use at most 100 letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// Nothing here ends a program together with its children.
    #[error(
        "programs run on Linux and macOS only: here they could not be stopped with their children"
    )]
    System,
}

/// A laboratory's own program.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    command: Vec<String>,
    /// Where runs have their folders.
    folder: PathBuf,
    /// Bytes that one run may write.
    max_output: u64,
    grace: Duration,
}

impl Program {
    /// The program that `command` starts, offered under `name`; under that of its script or its
    /// executable where none is given. Runs have their folders in `folder` and may write
    /// `max_output` bytes.
    ///
    /// # Errors
    /// If it is no command, the name cannot be used, or this system cannot run programs.
    pub fn new(
        command: &str,
        name: Option<&str>,
        folder: PathBuf,
        max_output: u64,
    ) -> Result<Self, ProgramError> {
        if !cfg!(unix) {
            return Err(ProgramError::System);
        }
        let words = shlex::split(command).filter(|it| !it.is_empty());
        let words = words.ok_or_else(|| ProgramError::NoCommand(command.to_owned()))?;
        let name = name.map_or_else(|| name_of(&words), str::to_owned);
        if !is_program_name(&name) {
            return Err(ProgramError::Name(name));
        }
        Ok(Self { name, command: words, folder, max_output, grace: GRACE })
    }

    /// The same with `grace` as the time to clean up between the request to end and the kill.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The name under which it is offered.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the folder for runs, and removes what runs left whose agent was killed: their folders,
    /// and processes that still work in them.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn clear(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let _turn = turn(&self.folder)?;
        // As the runs themselves were told it.
        let folder = fs::canonicalize(&self.folder)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            // One without a lock was left half made or half removed.
            let is_left = fs::File::open(path.join(LOCK)).is_ok_and(|it| it.try_lock().is_ok())
                || !path.join(LOCK).exists();
            if is_left && path.is_dir() {
                tracing::warn!(folder = %path.display(), "removing what a killed agent left");
                group::end_strays(&path);
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Runs it once.
    ///
    /// # Errors
    /// `Stopped` if `control` said so, else why it made nothing.
    pub fn run(
        &self,
        assignment: &Assignment,
        control: &dyn Control,
    ) -> Result<ProgramOutput, RunError> {
        let Some(spec) = assignment.lease.spec.external() else {
            return Err(failed(
                FailureClass::Permanent,
                "program_missing",
                "this agent runs programs only".to_owned(),
            ));
        };
        if spec.program != self.name {
            return Err(failed(
                FailureClass::Retryable,
                "program_missing",
                format!("this agent runs the program {}, not {}", self.name, spec.program),
            ));
        }
        let room = self.prepare(assignment, spec)?;
        let path = room.folder.path().to_owned();
        let limits = Limits { max_output: self.max_output, grace: self.grace };
        child::run(&self.command, &path, limits, control)?;
        let made = output::collect(&path, self.max_output)?;
        Ok(ProgramOutput { result: made.result, files: made.files, room })
    }

    /// The folder of a run, with everything that the program is given.
    fn prepare(&self, assignment: &Assignment, spec: &External) -> Result<Room, RunError> {
        let disk = |it: io::Error| {
            let message = format!("the folder {}: {it}", self.folder.display());
            failed(FailureClass::Retryable, "agent_disk", message)
        };
        let room = Room::new(&self.folder).map_err(disk)?;
        let folder = room.folder.path();
        let mut inputs = Vec::with_capacity(spec.inputs.len());
        for input in &spec.inputs {
            let path = folder.join("inputs").join(&input.name);
            // A copy: what a program does to its inputs must not reach the agent's own file.
            fs::copy(assignment.input(&input.sha256)?, &path).map_err(disk)?;
            inputs.push(json!({
                "name": input.name, "path": path, "sha256": input.sha256, "size": input.size,
            }));
        }
        let task = json!({
            "task_id": assignment.lease.task_id,
            "program": spec.program,
            "arguments": spec.arguments,
            "inputs": inputs,
            "folder": folder,
            "out": folder.join("out"),
            "device": assignment.device,
            "smaller": assignment.lease.smaller,
        });
        let text = serde_json::to_vec_pretty(&task).unwrap_or_default();
        fs::write(folder.join("task.json"), text).map_err(disk)?;
        Ok(room)
    }
}

/// The folder of a run, locked until what it made is delivered; removed when this is dropped, and
/// only then unlocked.
#[derive(Debug)]
pub struct Room {
    folder: TempDir,
    _lock: fs::File,
}

impl Room {
    fn new(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        let _turn = turn(parent)?;
        // Programs are told whole paths: they may work elsewhere.
        let parent = fs::canonicalize(parent)?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(parent)?;
        let lock = fs::File::create(folder.path().join(LOCK))?;
        lock.try_lock().map_err(io::Error::from)?;
        for name in ["inputs", "out", "tmp"] {
            fs::create_dir(folder.path().join(name))?;
        }
        Ok(Self { folder, _lock: lock })
    }
}

/// Held while a run's folder is made, until it has its own lock, and while those that were left are
/// removed. Beside the folder of runs, in which nothing is but runs.
fn turn(folder: &Path) -> io::Result<fs::File> {
    let path = folder.with_extension("lock");
    let lock = fs::OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
    lock.lock()?;
    Ok(lock)
}

/// Removes a folder; another agent's run may be removing it, too.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What a program is called that nobody named: the script that an interpreter is given, or itself.
fn name_of(words: &[String]) -> String {
    let is_script = |it: &&String| {
        let extension = Path::new(it).extension().and_then(|it| it.to_str());
        extension.is_some_and(|it| SCRIPTS.contains(&it)) && Path::new(it).is_file()
    };
    let named = words.iter().find(is_script).or(words.first());
    let stem = named.and_then(|it| Path::new(it).file_stem());
    stem.map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

fn failed(class: FailureClass, code: &str, message: String) -> RunError {
    RunError::Failed(TaskFailure::new(class, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(command: &str, name: Option<&str>) -> Result<String, ProgramError> {
        Program::new(command, name, PathBuf::new(), 0).map(|it| it.name)
    }

    #[test]
    fn a_program_has_the_name_of_its_script() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("model.py");
        fs::write(&script, "").unwrap();
        let command =
            |before: &str, after: &str| format!("{before} '{}' {after}", script.display());
        // Tests run in the crate's folder, where there is a file of this name.
        for command in [
            command("python3", "--fast"),
            command("/opt/venv/bin/python3 -u", "Cargo.toml"),
            command("nice -n 5 python3", ""),
        ] {
            assert_eq!(program(&command, None).as_deref(), Ok("model"), "{command}");
        }
        assert_eq!(program("/opt/lab/clam Cargo.toml", None).as_deref(), Ok("clam"));
        assert_eq!(program("/opt/lab/clam.sh", None).as_deref(), Ok("clam"));
        assert_eq!(program("'my model' x", Some("clam-2")).as_deref(), Ok("clam-2"));
        assert_eq!(program("'my model' x", None), Err(ProgramError::Name("my model".to_owned())));
        for text in ["", "  ", "'open"] {
            assert_eq!(program(text, None), Err(ProgramError::NoCommand(text.to_owned())));
        }
    }

    #[test]
    fn a_folder_that_was_left_half_made_is_removed_and_one_in_use_is_not() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("programs");
        fs::create_dir_all(folder.join("run-half/out")).unwrap();
        let room = Room::new(&folder).unwrap();
        Program::new("true", None, folder.clone(), 0).unwrap().clear().unwrap();
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(left, [room.folder.path()]);
    }
}
