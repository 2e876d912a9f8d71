//! How far a batch is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::print::say;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Says how far a batch is.
pub(crate) struct Progress {
    how: How,
    total: usize,
    started: Instant,
    tally: Mutex<Tally>,
}

enum How {
    Bar(ProgressBar),
    Lines,
    Silent,
}

struct Tally {
    n_ended: usize,
    /// Of these, what took work: what was done before says nothing about the time that is left.
    n_worked: usize,
    n_failed: usize,
    at_work: Vec<String>,
    last_line: Instant,
}

/// How the work on a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Done now.
    Worked,
    /// Nothing was to be done.
    Unchanged,
    /// It failed.
    Failed,
}

impl Progress {
    /// Progress of so many files.
    pub(crate) fn new(total: usize, quiet: bool) -> Self {
        let how = match () {
            () if quiet => How::Silent,
            () if std::io::stderr().is_terminal() => How::Bar(bar(total)),
            () => How::Lines,
        };
        let started = Instant::now();
        let tally =
            Tally { n_ended: 0, n_worked: 0, n_failed: 0, at_work: Vec::new(), last_line: started };
        Self { how, total, started, tally: Mutex::new(tally) }
    }

    /// Work on a file begins.
    pub(crate) fn begin(&self, name: &str) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.at_work.push(name.to_owned());
        if let How::Bar(bar) = &self.how {
            bar.set_message(tally.at_work.join(", "));
        }
    }

    /// Work on a file ended.
    #[expect(clippy::print_stderr, reason = "the outermost layer says how far it is")]
    pub(crate) fn end(&self, name: &str, ended: Ended) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.at_work.retain(|it| it != name);
        tally.n_ended += 1;
        tally.n_worked += usize::from(ended != Ended::Unchanged);
        tally.n_failed += usize::from(ended == Ended::Failed);
        match &self.how {
            How::Bar(bar) => {
                bar.set_message(tally.at_work.join(", "));
                if ended == Ended::Unchanged {
                    // The rate is that of the work.
                    bar.set_length(bar.length().unwrap_or(1).saturating_sub(1));
                } else {
                    bar.inc(1);
                }
            }
            How::Lines => {
                if tally.last_line.elapsed() >= LINE_EVERY || tally.n_ended == self.total {
                    tally.last_line = Instant::now();
                    eprintln!("{}", line(&tally, self.total, self.started.elapsed()));
                }
            }
            How::Silent => {}
        }
    }

    /// Prints a result.
    pub(crate) fn print(&self, line: &str) {
        self.suspend(|| say(line));
    }

    /// Prints results without tearing the bar.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        match &self.how {
            How::Bar(bar) => bar.suspend(print),
            How::Lines | How::Silent => print(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    let template = "{bar:30} {pos}/{len}  {per_sec}  {eta} left  {wide_msg}";
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn line(tally: &Tally, total: usize, elapsed: Duration) -> String {
    let failed = match tally.n_failed {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    let left = total.saturating_sub(tally.n_ended);
    let pace = elapsed.as_secs_f64() / tally.n_worked.max(1) as f64;
    let rest = match (left, tally.n_worked) {
        (0, _) | (_, 0) => String::new(),
        _ => format!(", {:.1} a minute, {} left", 60.0 / pace, span(pace * left as f64)),
    };
    format!("{}/{total}{failed}{rest}", tally.n_ended)
}

fn span(seconds: f64) -> String {
    match seconds {
        it if it < 90.0 => format!("{it:.0} s"),
        it if it < 5400.0 => format!("{:.0} min", it / 60.0),
        it => format!("{:.1} h", it / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_counts_only_files_that_took_work() {
        let tally = Tally {
            n_ended: 70,
            n_worked: 20,
            n_failed: 1,
            at_work: Vec::new(),
            last_line: Instant::now(),
        };
        let said = line(&tally, 100, Duration::from_secs(60));
        assert_eq!(said, "70/100, 1 failed, 20.0 a minute, 2 min left");
        assert_eq!(span(8.0), "8 s");
        assert_eq!(span(7200.0), "2.0 h");
    }
}
