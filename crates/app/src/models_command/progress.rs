//! How far a download is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ::models::download;
use indicatif::{ProgressBar, ProgressStyle};

use super::size;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Says how far a download is, on stderr.
pub(super) enum Progress {
    Bar(ProgressBar),
    /// The time of the last line.
    Lines(Mutex<Instant>),
    Silent,
}

impl Progress {
    /// Progress for whoever looks at stderr.
    pub(super) fn new(is_quiet: bool) -> Self {
        match () {
            () if is_quiet => Self::Silent,
            () if std::io::stderr().is_terminal() => Self::Bar(bar()),
            () => Self::Lines(Mutex::new(Instant::now())),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }

    #[expect(clippy::print_stderr, reason = "the outermost layer says how far it is")]
    fn say(&self, line: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Self::Lines(_) => eprintln!("{line}"),
            Self::Silent => {}
        }
    }
}

impl download::Progress for Progress {
    fn at(&self, have: u64, total: u64) {
        match self {
            Self::Bar(bar) => {
                // What an earlier run fetched says nothing about the rate.
                if bar.length() != Some(total) {
                    bar.set_length(total);
                    bar.reset_eta();
                }
                bar.set_position(have);
            }
            Self::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    self.say(&format!("{} of {}", size(have), size(total)));
                }
            }
            Self::Silent => {}
        }
    }

    fn cut(&self, cause: &str) {
        self.say(&format!("the connection was cut ({cause}); going on"));
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template =
        "{bar:30} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
