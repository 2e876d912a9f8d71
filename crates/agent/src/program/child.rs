//! The program as a process: started, listened to, stopped.

use std::{
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use protocol::{
    sentence,
    task::{FailureClass, TaskFailure},
};

use super::{
    FOLDER, Limits, failed, group, output,
    said::{Heard, Tail, listen},
};
use crate::runner::{Control, RunError};

/// How often a silent program is looked after: a withdrawal reaches it this late at most.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often what it wrote is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(2);

/// Time for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Lines that wait while the log is written; a program that says more waits.
const LINES_AHEAD: usize = 256;

/// The exit code by which a program asks for another attempt (`EX_TEMPFAIL`).
const TRY_AGAIN: i32 = 75;

/// What a shell reports of a program that was killed, as the system does where memory runs out.
const KILLED: i32 = 128 + 9;

/// Variables of the server and the agent that open what is theirs: no program is given them.
const SECRETS: [&str; 5] = [
    "DATABASE_URL",
    "JOIN_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Runs a command in a run's folder until it ends, and ends what it leaves behind.
///
/// # Errors
/// `Stopped` if `control` said so, else why it failed.
pub(super) fn run(
    command: &[String],
    folder: &Path,
    limits: Limits,
    control: &dyn Control,
) -> Result<(), RunError> {
    let mut running = Running::start(command, folder)?;
    let ended = running.attend(folder, limits.max_output, control);
    // Children that outlive their program would hold the device, or go on writing.
    group::end(running.group, folder, limits.grace, &mut running.child);
    running.hear_last_words(control);
    match ended {
        Ended::Exit(status) => judge(status, &running.tail),
        Ended::Cancelled => Err(RunError::Stopped),
        Ended::TooLarge => Err(output::too_large(limits.max_output)),
        Ended::Lost(reason) => Err(failed(FailureClass::Retryable, "program_lost", reason)),
    }
}

/// How a run came to its end.
enum Ended {
    Exit(ExitStatus),
    Cancelled,
    TooLarge,
    Lost(String),
}

struct Running {
    child: Child,
    group: u32,
    heard: Receiver<Heard>,
    tail: Tail,
    /// Streams that are not closed yet.
    n_open: usize,
}

impl Running {
    fn start(command: &[String], folder: &Path) -> Result<Self, RunError> {
        let cannot = |it: std::io::Error| {
            let message = format!("`{}` cannot be started: {it}", command.join(" "));
            failed(FailureClass::Retryable, "program_missing", message)
        };
        let (first, arguments) = command.split_first().ok_or(RunError::Stopped)?;
        let task = std::fs::File::open(folder.join("task.json")).map_err(cannot)?;
        let mut command = Command::new(first);
        for name in SECRETS {
            command.env_remove(name);
        }
        let mut child = group::leading(command.args(arguments))
            .env(FOLDER, folder)
            .env("TMPDIR", folder.join("tmp"))
            .stdin(task)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let (to, heard) = sync_channel(LINES_AHEAD);
        let mut n_open = 0;
        if let Some(stream) = child.stdout.take() {
            let to = to.clone();
            thread::spawn(move || listen(stream, false, &to));
            n_open += 1;
        }
        if let Some(stream) = child.stderr.take() {
            thread::spawn(move || listen(stream, true, &to));
            n_open += 1;
        }
        Ok(Self { group: child.id(), child, heard, tail: Tail::default(), n_open })
    }

    /// Listens until the program ends or is to end.
    fn attend(&mut self, folder: &Path, max_output: u64, control: &dyn Control) -> Ended {
        let mut measured = Instant::now();
        loop {
            self.hear(LOOK_EVERY, control);
            if control.is_cancelled() {
                return Ended::Cancelled;
            }
            if measured.elapsed() > MEASURE_EVERY {
                if output::size(folder) > max_output {
                    return Ended::TooLarge;
                }
                measured = Instant::now();
            }
            match self.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => return Ended::Exit(status),
                Err(error) => return Ended::Lost(format!("the program was lost: {error}")),
            }
        }
    }

    /// Takes what it says for at most `wait`; returns early with the first line.
    fn hear(&mut self, wait: Duration, control: &dyn Control) {
        match self.heard.recv_timeout(wait) {
            Ok(Heard::Line { text, is_error }) => self.tail.take(&text, is_error, control),
            Ok(Heard::End) => self.n_open = self.n_open.saturating_sub(1),
            Err(RecvTimeoutError::Timeout) => {}
            // Both streams are closed: there is nothing but to wait.
            Err(RecvTimeoutError::Disconnected) => thread::park_timeout(wait),
        }
    }

    /// What was written before the end, and not yet read.
    fn hear_last_words(&mut self, control: &dyn Control) {
        let until = Instant::now() + LAST_WORDS;
        while self.n_open > 0 && Instant::now() < until {
            self.hear(LOOK_EVERY, control);
        }
    }
}

/// What an exit says.
fn judge(status: ExitStatus, tail: &Tail) -> Result<(), RunError> {
    let said = match tail.text() {
        it if it.is_empty() => String::new(),
        it => format!(": {it}"),
    };
    let (class, code, what) = match (status.code(), group::signal(status)) {
        (Some(0), _) => return Ok(()),
        (Some(TRY_AGAIN), _) => (
            FailureClass::Retryable,
            "program_asks_again",
            format!("the program asked for another attempt (exit code {TRY_AGAIN})"),
        ),
        (Some(KILLED), _) | (None, Some(9)) => {
            let what = format!("the program was killed, as if memory had run out{said}");
            let failure = TaskFailure::new(FailureClass::OutOfMemory, "out_of_memory", what);
            return Err(RunError::Failed(failure.remedy(sentence::more_memory())));
        }
        (None, Some(signal @ (1 | 2 | 15))) => (
            FailureClass::Retryable,
            "program_stopped",
            format!("the program was stopped from outside (signal {signal})"),
        ),
        (Some(code), _) => (
            FailureClass::Permanent,
            "program_failed",
            format!("the program failed with exit code {code}"),
        ),
        (None, signal) => (
            FailureClass::Crashed,
            "program_crashed",
            format!("the program crashed (signal {})", signal.unwrap_or_default()),
        ),
    };
    Err(failed(class, code, what + &said))
}
