//! Log files in the data folder: one a day, the last fourteen are kept. The log goes to stderr from
//! the start, and here as well once the server has its data folder.

use std::{path::Path, sync::OnceLock};

use tracing_appender::rolling::{RollingFileAppender, RollingWriter, Rotation};
use tracing_subscriber::fmt::writer::{EitherWriter, MakeWriter, OptionalWriter};

/// Files that are kept.
const MAX_FILES: usize = 14;

static FILE: OnceLock<RollingFileAppender> = OnceLock::new();

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
