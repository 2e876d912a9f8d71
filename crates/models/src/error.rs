//! What can go wrong with a model, and what to do about it.

use std::path::{Path, PathBuf};

/// A model that could not be fetched, imported or verified.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The hub, or a proxy before it, cannot be reached.
    #[error(
        "cannot reach {url}: {cause}. Without a network: fetch {url} on another machine and put it \
         at {place} (its configuration is in this binary), or run `voxloop models import FILE`; \
         HF_ENDPOINT names a mirror, HTTPS_PROXY a proxy"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Where the file belongs.
        place: PathBuf,
        /// What the network said.
        cause: String,
    },
    /// The hub does not give the file out.
    #[error("{url} answered {status}: {advice}")]
    Refused {
        /// What was asked for.
        url: String,
        /// Its answer.
        status: u16,
        /// What to do.
        advice: &'static str,
    },
    /// The connection was cut again and again.
    #[error(
        "the connection to {url} was cut at {have} of {size} bytes ({cause}); run the command again \
         to go on from there"
    )]
    CutOff {
        /// What was asked for.
        url: String,
        /// Bytes that are here.
        have: u64,
        /// Bytes in all.
        size: u64,
        /// What the network said last.
        cause: String,
    },
    /// The bytes are not those that the hub announced.
    #[error(
        "{url} arrived with SHA-256 {found}, the hub announces {expected}; nothing was kept. Run the \
         command again; if it stays so, a proxy or mirror changes the file"
    )]
    Corrupt {
        /// What was asked for.
        url: String,
        /// What the hub announces.
        expected: String,
        /// What arrived.
        found: String,
    },
    /// The hub says of the file what cannot be.
    #[error("{url}: {problem}")]
    BadAnswer {
        /// What was asked for.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// Another process fetches the same model.
    #[error("another voxloop is fetching {}; wait for it", .0.display())]
    Busy(PathBuf),
    /// A file or folder of this machine.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file is no model that a name stands for.
    #[error("{}: {problem}", .path.display())]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
}

impl ModelError {
    /// An error of `path`, for `map_err`.
    pub(crate) fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Disk { path, cause }
    }
}
