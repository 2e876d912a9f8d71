//! One object on one slice.

use std::time::Instant;

use protocol::{
    prompt::SlicePrompt,
    task::{EngineIdentity, MaskExtent},
};
use volume::{Labelmap, Slice, Volume};

use crate::{
    Engine, EngineError,
    check::{check_grid, check_prompt},
    graphcut_engine,
};

/// An object's mask on one slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceSegmentation {
    /// The slice.
    pub extent: MaskExtent,
    /// Values 0 and 1, `x` fastest.
    pub mask: Slice<u8>,
    /// Above 0 in the object; only of engines that have logits.
    pub logits: Option<Slice<f32>>,
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
    engine: &Engine,
    volume: &Volume,
    prompt: &SlicePrompt,
    base: Option<&Labelmap>,
) -> Result<SliceSegmentation, EngineError> {
    let slice = check_prompt(prompt, volume.shape(), "")?;
    if let Some(base) = base {
        check_grid(base, volume.shape())?;
    }
    let started = Instant::now();
    let (mask, logits, identity) = match engine {
        Engine::Graphcut => {
            let mask = graphcut_engine::segment_slice(volume, prompt, &slice, base)?;
            (mask, None, engine.identity())
        }
        Engine::Medsam2(network) => {
            let found =
                network.with_fallback(|it| it.segment_slice(volume, prompt, &slice, base))?;
            (found.mask, Some(found.logits), found.engine)
        }
    };
    let [width, height] = slice.shape;
    let slice_index = prompt.slice.slice_index;
    Ok(SliceSegmentation {
        extent: MaskExtent { axis: prompt.slice.axis, first: slice_index, last: slice_index },
        mask: Slice { width, height, pixels: mask.into_iter().map(u8::from).collect() },
        logits: logits.map(|pixels| Slice { width, height, pixels }),
        engine: identity,
        engine_ms: started.elapsed().as_secs_f64() * 1e3,
    })
}
