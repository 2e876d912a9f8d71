//! Threads for work that nobody waits for.

use std::{
    fs,
    process::{Command, Stdio},
};

use rayon::{ThreadPool, ThreadPoolBuilder};
use thread_priority::ThreadPriority;

/// Half as many threads as there are otherwise, which the system runs when nothing else wants to.
pub(super) fn idle_threads() -> Option<ThreadPool> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads().div_ceil(2))
        .thread_name(|n| format!("background-{n}"))
        .start_handler(|_| step_back())
        .build();
    pool.map_err(|error| tracing::warn!(%error, "slices are not prepared")).ok()
}

/// Gives this thread the lowest priority.
///
/// On Linux that is not enough: a thread that wakes up still waits some milliseconds for one of low
/// priority, at each of its steps, but never for one of the class `SCHED_IDLE`. Only the system's own
/// tool sets that without unsafe code; where it is missing, the low priority has to do.
fn step_back() {
    if let Err(error) = thread_priority::set_current_thread_priority(ThreadPriority::Min) {
        tracing::warn!(?error, "slices are prepared at the usual priority");
    }
    let thread = fs::read_link("/proc/thread-self").ok();
    if let Some(thread) = thread.as_ref().and_then(|it| it.file_name()) {
        let mut tool = Command::new("chrt");
        tool.args(["--idle", "--pid", "0"]).arg(thread);
        tool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The 19th number of `/proc/…/stat` is the niceness; the name before it is in parentheses.
    #[test]
    fn background_threads_step_back() {
        let stat = || fs::read_to_string("/proc/thread-self/stat").unwrap();
        let niceness = |stat: String| {
            let numbers = stat.rsplit(')').next().unwrap().to_owned();
            numbers.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap()
        };
        let here = niceness(stat());
        assert_eq!(niceness(idle_threads().unwrap().install(stat)), 19);
        assert_eq!(niceness(stat()), here);
    }
}
