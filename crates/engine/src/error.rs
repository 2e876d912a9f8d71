//! Why an engine made no mask.

/// Why an engine made no mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// A number lies outside its bounds.
    #[error("{field} is {value}, must be from {low} to {high}")]
    OutOfBounds {
        /// The field of the request.
        field: String,
        /// What it holds.
        value: f64,
        /// The least that is allowed.
        low: f64,
        /// The greatest that is allowed.
        high: f64,
    },
    /// Two ends of an interval are in the wrong order.
    #[error("{field} ends at {last} before it begins at {first}")]
    Reversed {
        /// The field of the request.
        field: String,
        /// Its beginning.
        first: f64,
        /// Its end.
        last: f64,
    },
    /// Nothing on the slice says where the object is.
    #[error("{field} needs a box, a positive point, a positive stroke or a mask")]
    NothingMarked {
        /// The field of the request.
        field: String,
    },
    /// "Absent" was said together with something else.
    #[error("{field} excludes every other mark on its slice")]
    AbsentAndMarked {
        /// The field of the request.
        field: String,
    },
    /// A mask was referred to and there is none.
    #[error("{field} refers to a mask that does not exist")]
    NoMask {
        /// The field of the request.
        field: String,
    },
    /// The mask lies on another grid than the image.
    #[error("the mask has {mask:?} voxels, the image {image:?}")]
    OtherGrid {
        /// Shape of the mask.
        mask: [usize; 3],
        /// Shape of the image.
        image: [usize; 3],
    },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl EngineError {
    /// The field of the request that is to blame.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::OutOfBounds { field, .. }
            | Self::Reversed { field, .. }
            | Self::NothingMarked { field }
            | Self::AbsentAndMarked { field }
            | Self::NoMask { field } => Some(field),
            Self::OtherGrid { .. } => Some("base"),
            Self::Cancelled => None,
        }
    }
}
