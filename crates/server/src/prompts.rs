//! Prompts are checked here, once, against the image they are about.

use protocol::{
    job::Image,
    prompt::{Point, SlicePrompt, SliceRef},
    task::EngineName,
};

use crate::error::ApiError;

/// Corners of a slice's scribbles; a person draws some hundreds, and an engine walks along each.
const MAX_CORNERS: usize = 5_000;

/// Width and height of a slice, and its number of siblings: `[x, y, along the axis]`.
fn extent(image: &Image, axis: u8) -> Result<[u32; 3], ApiError> {
    let [ni, nj, nk] = image.shape;
    match axis {
        0 => Ok([nj, nk, ni]),
        1 => Ok([ni, nk, nj]),
        2 => Ok([ni, nj, nk]),
        _ => Err(ApiError::invalid("axis", format!("axis must be 0, 1 or 2, got {axis}"))),
    }
}

/// Checks that a slice exists.
///
/// # Errors
/// If the axis or the index lies outside the image; the message gives the bounds.
pub(crate) fn check_slice(image: &Image, slice: SliceRef) -> Result<(), ApiError> {
    let [_, _, n_slices] = extent(image, slice.axis)?;
    if slice.slice_index < n_slices {
        return Ok(());
    }
    Err(ApiError::invalid(
        "slice_index",
        format!(
            "slice_index must be 0–{} on axis {}, got {}",
            n_slices.saturating_sub(1),
            slice.axis,
            slice.slice_index
        ),
    ))
}

/// Checks a label.
///
/// # Errors
/// If it is 0, which is the background.
pub(crate) fn check_label(label: u8) -> Result<(), ApiError> {
    if label == 0 {
        return Err(ApiError::invalid("label", "label must be 1–255, got 0"));
    }
    Ok(())
}

/// Checks that an image has a frame.
///
/// # Errors
/// If it does not; the message gives the bounds.
pub(crate) fn check_frame(image: &Image, frame: u32) -> Result<(), ApiError> {
    if frame < image.n_frames {
        return Ok(());
    }
    let last = image.n_frames.saturating_sub(1);
    Err(ApiError::invalid("frame", format!("frame must be 0–{last}, got {frame}")))
}

/// Checks a prompt against the image.
///
/// # Errors
/// If anything lies outside the image, or the prompt says nothing; the message gives the bounds.
pub(crate) fn check_prompt(image: &Image, prompt: &SlicePrompt) -> Result<(), ApiError> {
    check_slice(image, prompt.slice)?;
    check_label(prompt.label)?;
    let [width, height, _] = extent(image, prompt.slice.axis)?;
    if let Some(bounds) = prompt.bounds {
        check_box(bounds, width, height)?;
    }
    for (n, point) in prompt.points.iter().enumerate() {
        check_point(&format!("points[{n}]"), *point, width, height)?;
    }
    let n_corners: usize = prompt.scribbles.iter().map(|it| it.path.len()).sum();
    if n_corners > MAX_CORNERS {
        return Err(ApiError::invalid(
            "scribbles",
            format!("scribbles may have {MAX_CORNERS} corners in all, got {n_corners}"),
        ));
    }
    for (n, scribble) in prompt.scribbles.iter().enumerate() {
        if scribble.path.is_empty() || !(0.0..=1000.0).contains(&scribble.radius) {
            return Err(ApiError::invalid(
                &format!("scribbles[{n}]"),
                "a scribble needs at least one point and a radius of 0–1000",
            ));
        }
        for (m, [x, y]) in scribble.path.iter().copied().enumerate() {
            let point = Point { x, y, positive: scribble.positive };
            check_point(&format!("scribbles[{n}].path[{m}]"), point, width, height)?;
        }
    }
    let is_marked =
        prompt.bounds.is_some() || !prompt.points.is_empty() || !prompt.scribbles.is_empty();
    if prompt.absent && (is_marked || prompt.mask) {
        return Err(ApiError::invalid("absent", "a slice without the object has no other prompt"));
    }
    if !(is_marked || prompt.absent || prompt.mask) {
        return Err(ApiError::invalid(
            "box",
            "a prompt needs a box, points, scribbles, a mask or `absent`",
        ));
    }
    Ok(())
}

/// Checks a window.
///
/// # Errors
/// If its ends are the wrong way round, or the engine sees through none.
pub(crate) fn check_window(engine: EngineName, window: Option<[f64; 2]>) -> Result<(), ApiError> {
    let Some([low, high]) = window else {
        return Ok(());
    };
    if engine != EngineName::Medsam2 {
        return Err(ApiError::invalid("window", "window is for the engine medsam2: leave it out"));
    }
    if low >= high {
        let message = format!("window must be [low, high] with low < high, got [{low}, {high}]");
        return Err(ApiError::invalid("window", message));
    }
    Ok(())
}

/// Whether a prompt says where the object is, rather than where it is not.
pub(crate) fn shows_object(prompt: &SlicePrompt) -> bool {
    prompt.bounds.is_some()
        || prompt.points.iter().any(|it| it.positive)
        || prompt.scribbles.iter().any(|it| it.positive)
}

fn check_box(bounds: [f64; 4], width: u32, height: u32) -> Result<(), ApiError> {
    let [x1, y1, x2, y2] = bounds;
    let is_inside = |value: f64, size: u32| value >= 0.0 && value <= f64::from(size) - 1.0;
    let fits = is_inside(x1, width)
        && is_inside(x2, width)
        && is_inside(y1, height)
        && is_inside(y2, height)
        && x1 <= x2
        && y1 <= y2;
    if fits {
        return Ok(());
    }
    Err(ApiError::invalid(
        "box",
        format!(
            "box must satisfy 0 ≤ x1 ≤ x2 ≤ {} and 0 ≤ y1 ≤ y2 ≤ {}, got [{x1}, {y1}, {x2}, {y2}]",
            width.saturating_sub(1),
            height.saturating_sub(1)
        ),
    ))
}

fn check_point(field: &str, point: Point, width: u32, height: u32) -> Result<(), ApiError> {
    let is_inside = |value: f64, size: u32| value >= 0.0 && value <= f64::from(size) - 1.0;
    if is_inside(point.x, width) && is_inside(point.y, height) {
        return Ok(());
    }
    Err(ApiError::invalid(
        field,
        format!(
            "a point must lie within x 0–{} and y 0–{}, got ({}, {})",
            width.saturating_sub(1),
            height.saturating_sub(1),
            point.x,
            point.y
        ),
    ))
}
