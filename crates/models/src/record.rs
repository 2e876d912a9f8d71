//! What is known of a file of weights and of the configuration beside it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is known of a file of weights; `FILE.json` beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Whether the hub announced this very SHA-256. Otherwise it was computed here, and says only
    /// that the file has not changed since.
    pub announced: bool,
    /// Where it came from: an address, `import`, or `placed by hand`.
    pub source: String,
    /// Commit of the hub's repository, where one was announced.
    pub commit: Option<String>,
    /// SHA-256 of the configuration that came with it; none where it was placed by hand.
    #[serde(default)]
    pub config: Option<String>,
}

/// A model and whether it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no such file.
    Missing,
    /// The file is here.
    Present {
        /// Bytes of the file.
        size: u64,
        /// What is known of it; nothing of a file that was placed by hand, be it over one that was
        /// on record.
        record: Option<Record>,
    },
}

impl State {
    /// Whether the file has another length than the hub announced: it is damaged, and nobody needs to
    /// read it to see that.
    #[must_use]
    pub fn has_other_size(&self) -> bool {
        matches!(self, Self::Present { size, record: Some(record) } if record.size != *size)
    }

    /// Whether the file's SHA-256 was announced by the hub.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        matches!(self, Self::Present { record: Some(record), .. } if record.announced)
    }
}

/// What verifying a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The file is what its record says.
    Intact(Record),
    /// It is another file than the hub announced.
    Changed {
        /// The record.
        record: Record,
        /// The file's SHA-256.
        found: String,
    },
    /// It was placed by hand, be it over another one; this would be its record.
    Unrecorded(Record),
}

/// The configuration that belongs to a model's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configuration {
    /// There is no file of it, and none has to be: the published dimensions hold.
    BuiltIn,
    /// This file, as it came with the weights, or as somebody placed it.
    File(PathBuf),
    /// The file that came with the weights is gone.
    Gone(PathBuf),
    /// The file that came with the weights was changed since.
    Changed(PathBuf),
}
