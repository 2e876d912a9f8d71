//! Checks what a person sent before any engine sees it.

use protocol::prompt::{SlicePrompt, SliceRef};
use volume::{Labelmap, plane_axes};

use crate::EngineError;

/// A prompt that is known to lie on the image.
#[derive(Clone, Copy)]
pub(crate) struct CheckedSlice {
    pub(crate) axis: usize,
    pub(crate) index: usize,
    /// Voxels of the slice along x and y.
    pub(crate) shape: [usize; 2],
}

/// Checks everything on a slice. `at` names the prompt in errors, with a dot at its end.
pub(crate) fn check_prompt(
    prompt: &SlicePrompt,
    image: [usize; 3],
    at: &str,
) -> Result<CheckedSlice, EngineError> {
    let slice = check_slice(prompt.slice, image, at)?;
    in_bounds(format!("{at}label"), f64::from(prompt.label), 1.0, 255.0)?;
    let marked =
        prompt.bounds.is_some() || !prompt.points.is_empty() || !prompt.scribbles.is_empty();
    if prompt.absent && (marked || prompt.mask) {
        return Err(EngineError::AbsentAndMarked { field: format!("{at}absent") });
    }
    let last = slice.shape.map(|it| it as f64 - 1.0);
    if let Some(bounds) = prompt.bounds {
        for (n, value) in bounds.into_iter().enumerate() {
            in_bounds(format!("{at}box[{n}]"), value, 0.0, last[n % 2])?;
        }
        for axis in 0..2 {
            if bounds[axis] > bounds[axis + 2] {
                let field = format!("{at}box");
                let (first, last) = (bounds[axis], bounds[axis + 2]);
                return Err(EngineError::Reversed { field, first, last });
            }
        }
    }
    for (n, point) in prompt.points.iter().enumerate() {
        in_bounds(format!("{at}points[{n}].x"), point.x, 0.0, last[0])?;
        in_bounds(format!("{at}points[{n}].y"), point.y, 0.0, last[1])?;
    }
    for (n, scribble) in prompt.scribbles.iter().enumerate() {
        in_bounds(format!("{at}scribbles[{n}].radius"), scribble.radius, 0.0, 1000.0)?;
        for (corner, place) in scribble.path.iter().enumerate() {
            for axis in 0..2 {
                let field = format!("{at}scribbles[{n}].path[{corner}][{axis}]");
                in_bounds(field, place[axis], 0.0, last[axis])?;
            }
        }
    }
    Ok(slice)
}

/// Checks that a slice lies in the image; `at` as above.
pub(crate) fn check_slice(
    slice: SliceRef,
    image: [usize; 3],
    at: &str,
) -> Result<CheckedSlice, EngineError> {
    let axis = usize::from(slice.axis);
    in_bounds(format!("{at}axis"), f64::from(slice.axis), 0.0, 2.0)?;
    let last = image[axis] as f64 - 1.0;
    in_bounds(format!("{at}slice_index"), f64::from(slice.slice_index), 0.0, last)?;
    let index = usize::try_from(slice.slice_index).unwrap_or(usize::MAX);
    Ok(CheckedSlice { axis, index, shape: plane_axes(axis).map(|it| image[it]) })
}

/// Refuses a number outside its bounds, and one that is no number.
pub(crate) fn in_bounds(field: String, value: f64, low: f64, high: f64) -> Result<(), EngineError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(EngineError::OutOfBounds { field, value, low, high })
    }
}

/// Refuses a mask on another grid.
pub(crate) fn check_grid(mask: &Labelmap, image: [usize; 3]) -> Result<(), EngineError> {
    if mask.shape == image && mask.voxels.len() == image.iter().product::<usize>() {
        Ok(())
    } else {
        Err(EngineError::OtherGrid { mask: mask.shape, image })
    }
}
