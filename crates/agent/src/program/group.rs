//! A program with its children: one process group, ended whole.
//!
//! A child may leave the group (`setsid`). On Linux it is found all the same: every process of a run
//! carries the run's folder in its environment.

use std::{
    path::Path,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

#[cfg(unix)]
pub(super) use unix::{end, end_strays, leading, signal};

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::process::{CommandExt, ExitStatusExt},
        thread,
        time::Instant,
    };

    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System};

    use super::{Child, Command, Duration, ExitStatus, Path, members};

    /// How often it is looked whether all have ended.
    const LOOK_EVERY: Duration = Duration::from_millis(20);

    /// How long processes are waited for that were killed: they may hang in the kernel.
    const KILLED_WAIT: Duration = Duration::from_secs(2);

    /// Lets a command lead a process group of its own.
    pub(in crate::program) fn leading(command: &mut Command) -> &mut Command {
        command.process_group(0)
    }

    /// The signal that ended a process.
    pub(in crate::program) fn signal(status: ExitStatus) -> Option<i32> {
        status.signal()
    }

    /// Asks all processes of a group to end, kills after `grace` those that have not, and reaps the
    /// leader.
    pub(in crate::program) fn end(group: u32, folder: &Path, grace: Duration, leader: &mut Child) {
        for (with, wait) in [(Signal::Term, grace), (Signal::Kill, KILLED_WAIT)] {
            let until = Instant::now() + wait;
            let mut asked = Vec::new();
            loop {
                // Reaped, the leader is no member any more.
                let has_ended = matches!(leader.try_wait(), Ok(Some(_)) | Err(_));
                let living = members(Some(group), folder);
                if has_ended && living.is_empty() {
                    return;
                }
                // Those that were started meanwhile are asked too.
                let new: Vec<u32> = living.into_iter().filter(|it| !asked.contains(it)).collect();
                send(&new, with);
                asked.extend(new);
                if Instant::now() >= until {
                    break;
                }
                thread::park_timeout(LOOK_EVERY);
            }
        }
        tracing::error!(group, "a program's processes do not end although they were killed");
    }

    /// Kills processes of a run whose agent is gone.
    pub(in crate::program) fn end_strays(folder: &Path) {
        let until = Instant::now() + KILLED_WAIT;
        loop {
            let living = members(None, folder);
            if living.is_empty() || Instant::now() >= until {
                return;
            }
            send(&living, Signal::Kill);
            thread::park_timeout(LOOK_EVERY);
        }
    }

    fn send(pids: &[u32], signal: Signal) {
        if pids.is_empty() {
            return;
        }
        let pids: Vec<Pid> = pids.iter().map(|it| Pid::from_u32(*it)).collect();
        let Ok(mut system) = System::new() else { return };
        let some = ProcessesToUpdate::Some(&pids);
        system.refresh_processes_specifics(some, false, ProcessRefreshKind::nothing());
        // One that has ended in between is no fault.
        for process in pids.iter().filter_map(|it| system.process(*it)) {
            process.kill_with(signal);
        }
    }
}

/// Living processes of a group, and those that carry the run's folder in their environment.
#[cfg(target_os = "linux")]
fn members(group: Option<u32>, folder: &Path) -> Vec<u32> {
    use std::os::unix::ffi::OsStrExt;

    let mut mark = format!("{}=", super::FOLDER).into_bytes();
    mark.extend_from_slice(folder.as_os_str().as_bytes());
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let Some((state, of_group)) = state_and_group(*pid) else { return false };
        let is_marked = || {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|it| *it == 0).any(|it| it == mark)
        };
        let is_living = !matches!(state, b'Z' | b'X');
        is_living && (Some(of_group) == group || is_marked())
    })
    .collect()
}

/// A process's state and group, out of `/proc/PID/stat`.
#[cfg(target_os = "linux")]
fn state_and_group(pid: u32) -> Option<(u8, u32)> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, closing brackets too.
    let end = stat.iter().rposition(|it| *it == b')')?;
    let text = String::from_utf8_lossy(stat.get(end + 1..)?).into_owned();
    let mut fields = text.split_ascii_whitespace();
    let state = fields.next()?.bytes().next()?;
    Some((state, fields.nth(1)?.parse().ok()?))
}

/// Where there is no `/proc`, the environment alone tells which processes belong to a run.
#[cfg(all(unix, not(target_os = "linux")))]
fn members(_group: Option<u32>, folder: &Path) -> Vec<u32> {
    use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

    let mut mark = std::ffi::OsString::from(format!("{}=", super::FOLDER));
    mark.push(folder);
    let Ok(mut system) = System::new() else { return Vec::new() };
    let with = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, with);
    let is_member = |it: &&sysinfo::Process| {
        !matches!(it.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
            && it.environ().contains(&mark)
    };
    system.processes().values().filter(is_member).map(|it| it.pid().as_u32()).collect()
}

#[cfg(not(unix))]
pub(super) fn leading(command: &mut Command) -> &mut Command {
    command
}

#[cfg(not(unix))]
pub(super) fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

/// Programs do not run here: see [`super::ProgramError::System`].
#[cfg(not(unix))]
pub(super) fn end(_group: u32, _folder: &Path, _grace: Duration, leader: &mut Child) {
    leader.kill().ok();
}

#[cfg(not(unix))]
pub(super) fn end_strays(_folder: &Path) {}
