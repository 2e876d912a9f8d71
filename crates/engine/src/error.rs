//! Why an engine made no mask.

use protocol::sentence;

/// Why an engine made no mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// A number lies outside its bounds.
    #[error("{field} is {}, must be from {low} to {high}", shown(*value))]
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
    #[error("{field} ends at {} before it begins at {}", shown(*last), shown(*first))]
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
    /// The network could not compute: memory ran out, say.
    #[error("{}", sentence::network_failed(.0.as_str()))]
    Network(String),
    /// The memory of the device that computes ran out.
    #[error("{}", sentence::device_full(.0.as_str()))]
    OutOfMemory(String),
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
            Self::Network(_) | Self::OutOfMemory(_) | Self::Cancelled => None,
        }
    }
}

/// A number as a person writes it; one of three hundred digits is no help.
fn shown(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-6..1e15).contains(&value.abs());
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

#[cfg(test)]
mod tests {
    use super::EngineError;

    #[test]
    fn numbers_are_shown_in_few_digits() {
        for (value, shown) in [
            (40.0, "40"),
            (-2.5, "-2.5"),
            (0.0, "0"),
            (1e300, "1e300"),
            (-2.7e-235, "-2.7e-235"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let field = "box[0]".to_owned();
            let error = EngineError::OutOfBounds { field, value, low: 0.0, high: 15.0 };
            assert_eq!(error.to_string(), format!("box[0] is {shown}, must be from 0 to 15"));
        }
    }
}
