//! Log files in the data folder: one a day, the last fourteen are kept. The log goes to stderr from
//! the start, and here as well once the server has its data folder.

use std::{io::IsTerminal, path::Path, sync::OnceLock};

use tracing_appender::rolling::{RollingFileAppender, RollingWriter, Rotation};
use tracing_subscriber::{
    fmt::{
        self,
        writer::{EitherWriter, MakeWriter, OptionalWriter},
    },
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Files that are kept.
const MAX_FILES: usize = 14;

static FILE: OnceLock<RollingFileAppender> = OnceLock::new();

/// Sends log lines to stderr, and to a file once there is one; `RUST_LOG` chooses which.
pub(crate) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    // A full disk must not fill stderr with words about the log itself.
    let file = fmt::layer().with_ansi(false).with_writer(LogFile).log_internal_errors(false);
    let terminal = fmt::layer().with_ansi(std::io::stderr().is_terminal());
    let terminal = terminal.with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(terminal).with(file).init();
}

/// Writes the log to files in `folder` from now on.
///
/// # Errors
/// If the folder or the first file cannot be made.
pub(crate) fn start(folder: &Path) -> anyhow::Result<()> {
    // The appender would complain on stderr about a folder that it then makes.
    std::fs::create_dir_all(folder)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("voxloop")
        .filename_suffix("log")
        .max_log_files(MAX_FILES)
        .build(folder)?;
    FILE.get_or_init(|| file);
    Ok(())
}

/// Writes to the log file, once there is one.
pub(crate) struct LogFile;

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = OptionalWriter<RollingWriter<'a>>;

    fn make_writer(&'a self) -> Self::Writer {
        match FILE.get() {
            Some(file) => EitherWriter::A(file.make_writer()),
            None => EitherWriter::B(std::io::sink()),
        }
    }
}
