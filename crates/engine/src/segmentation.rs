//! One object on one slice.

use std::time::Instant;

use protocol::{
    prompt::SlicePrompt,
    task::{EngineIdentity, EngineName, MaskExtent},
};
use volume::{Labelmap, Slice, Volume};

use crate::{
    EngineError,
    check::{check_grid, check_prompt},
    graphcut_engine, identity,
};

/// An object's mask on one slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceSegmentation {
    /// The slice.
    pub extent: MaskExtent,
    /// Values 0 and 1, `x` fastest.
    pub mask: Slice<u8>,
    /// Which code made it.
    pub engine: EngineIdentity,
    /// Milliseconds in the engine itself.
    pub engine_ms: f64,
}

impl SliceSegmentation {
    /// The mask on the full grid, empty on all other slices.
    ///
    /// # Panics
    /// If the grid does not hold the slice.
    #[must_use]
    pub fn on_grid(&self, shape: [usize; 3]) -> Labelmap {
        let mut labelmap = Labelmap::new(shape);
        let index = usize::try_from(self.extent.first).unwrap_or(usize::MAX);
        labelmap.set_slice(usize::from(self.extent.axis), index, &self.mask);
        labelmap
    }
}

/// Finds the object that `prompt` marks on its slice.
///
/// `base` is the image's labelmap so far: the prompt's own label is the earlier mask that a mask
/// prompt refers to, voxels of other labels belong to other objects and stay theirs.
///
/// # Errors
/// If the prompt lies outside the image, marks nothing, or `base` has another grid.
pub fn segment_slice(
    engine: EngineName,
    volume: &Volume,
    prompt: &SlicePrompt,
    base: Option<&Labelmap>,
) -> Result<SliceSegmentation, EngineError> {
    let slice = check_prompt(prompt, volume.shape(), "")?;
    if let Some(base) = base {
        check_grid(base, volume.shape())?;
    }
    let started = Instant::now();
    let mask = match engine {
        EngineName::Graphcut => graphcut_engine::segment_slice(volume, prompt, &slice, base)?,
    };
    let slice_index = prompt.slice.slice_index;
    Ok(SliceSegmentation {
        extent: MaskExtent { axis: prompt.slice.axis, first: slice_index, last: slice_index },
        mask: Slice {
            width: slice.shape[0],
            height: slice.shape[1],
            pixels: mask.into_iter().map(u8::from).collect(),
        },
        engine: identity(engine),
        engine_ms: started.elapsed().as_secs_f64() * 1e3,
    })
}
