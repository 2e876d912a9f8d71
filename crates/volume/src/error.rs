//! What can go wrong when an image is read or written.

use std::io;

/// Why a file is not a volume that can be opened.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The content is something else.
    #[error("not a NIfTI or NRRD volume: {found}")]
    Format {
        /// What the first bytes look like.
        found: String,
    },
    /// A header field has a value that cannot be, or that is not supported.
    #[error("{field} is {found}, {expected}")]
    Field {
        /// The field's name in the format's own words.
        field: &'static str,
        /// The value in the file.
        found: String,
        /// What would have been accepted, as the end of the sentence: "expected …".
        expected: String,
    },
    /// The header declares more voxel bytes than the limit allows.
    #[error("the voxels take {needed} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The field with the shape.
        field: &'static str,
        /// Declared bytes.
        needed: u64,
        /// Allowed bytes.
        limit: u64,
    },
    /// The file ends before its voxels do.
    #[error("the file is cut short: {expected} bytes of {field} expected, at most {found} there")]
    Truncated {
        /// What ends early.
        field: &'static str,
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that are there, or, of compressed files, that can be.
        found: u64,
    },
    /// The file goes on after its last voxel.
    #[error(
        "bytes lie behind the last voxel: {field} does not speak of all that the file holds, or the \
         file is damaged; save it anew with the program that made it"
    )]
    Trailing {
        /// What says how many voxels there are.
        field: &'static str,
    },
    /// The compressed stream is damaged.
    #[error("the compressed data are damaged")]
    Damaged(#[source] io::Error),
    /// The machine has no room for the voxels.
    #[error("{needed} bytes of memory for the voxels cannot be had")]
    Memory {
        /// Bytes asked for.
        needed: u64,
    },
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[source] io::Error),
}

const MAX_FOUND_CHARS: usize = 100;

impl ReadError {
    /// The header field at fault, in the format's own words, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Field { field, .. }
            | Self::TooLarge { field, .. }
            | Self::Trailing { field }
            | Self::Truncated { field, .. } => Some(field),
            Self::Format { .. } | Self::Damaged(_) | Self::Memory { .. } | Self::Io(_) => None,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, written in place")]
    pub(crate) fn bad(
        field: &'static str,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        // Fields of a text header can be long, messages should not.
        let found = found.to_string().chars().take(MAX_FOUND_CHARS).collect();
        let expected = expected.into();
        Self::Field { field, found, expected }
    }

    pub(crate) fn from_io(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput};
        if matches!(error.kind(), InvalidInput | InvalidData) {
            Self::Damaged(error)
        } else {
            Self::Io(error)
        }
    }
}

/// Why an image or a mask could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The mask does not lie on the source's grid.
    #[error("the mask has shape {mask:?}, its source {source_shape:?}")]
    Shape {
        /// Shape of the mask.
        mask: [usize; 3],
        /// Shape of the source.
        source_shape: [usize; 3],
    },
    /// The format has no place for the image's scaling.
    #[error("NRRD holds no slope and intercept, and the image has {slope} and {intercept}")]
    Scaling {
        /// The image's slope.
        slope: f64,
        /// The image's intercept.
        intercept: f64,
    },
    /// The output cannot be written.
    #[error("the image cannot be written")]
    Io(#[from] io::Error),
}
