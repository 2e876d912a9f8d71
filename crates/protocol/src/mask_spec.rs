//! What a task is asked that makes a mask, whichever kind it is.

use crate::{
    id::Sha256,
    task::{EngineName, ImageRef, Propagate, SegmentSlice},
};

/// What a task is asked that makes a mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaskSpec<'a> {
    /// Segment one object on one slice.
    SegmentSlice(&'a SegmentSlice),
    /// Carry one object from its prompted slices through the volume.
    Propagate(&'a Propagate),
}

impl<'a> MaskSpec<'a> {
    /// The object's label.
    #[must_use]
    pub fn label(self) -> u8 {
        match self {
            Self::SegmentSlice(it) => it.prompt.label,
            Self::Propagate(it) => it.label,
        }
    }

    /// The image.
    #[must_use]
    pub fn image(self) -> &'a ImageRef {
        match self {
            Self::SegmentSlice(it) => &it.image,
            Self::Propagate(it) => &it.image,
        }
    }

    /// The engine to run.
    #[must_use]
    pub fn engine(self) -> EngineName {
        match self {
            Self::SegmentSlice(it) => it.engine,
            Self::Propagate(it) => it.engine,
        }
    }

    /// Intensities that are to be seen as black and white, where they were asked for.
    #[must_use]
    pub fn window(self) -> Option<[f64; 2]> {
        match self {
            Self::SegmentSlice(it) => it.window,
            Self::Propagate(it) => it.window,
        }
    }

    /// The mask blob the task starts from, where it has one.
    #[must_use]
    pub fn base(self) -> Option<&'a Sha256> {
        match self {
            Self::SegmentSlice(it) => it.base.as_ref(),
            Self::Propagate(it) => it.base.as_ref(),
        }
    }
}
