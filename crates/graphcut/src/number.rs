//! Conversions between places on a grid and real numbers, each with the reason it is safe.

/// `f64` to `f32`, where the loss of digits does not matter.
#[expect(clippy::cast_possible_truncation, reason = "intensities and costs need no more digits")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

/// A place on an axis of `n` voxels: rounded down and held on the axis.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held between 0 and n - 1"
)]
pub(crate) fn place_below(value: f64, n: usize) -> usize {
    value.clamp(0.0, n.saturating_sub(1) as f64) as usize
}

/// The nearest place on an axis of `n` voxels.
pub(crate) fn nearest_place(value: f64, n: usize) -> usize {
    place_below((value + 0.5).floor(), n)
}

/// A count from a real number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; counts of voxels are far below the limit"
)]
pub(crate) fn count(value: f64) -> usize {
    value.max(0.0) as usize
}

/// A cost in the integer units of the flow network.
#[expect(clippy::cast_possible_truncation, reason = "saturates far above any cost that occurs")]
pub(crate) fn fixed_point(cost: f64) -> i32 {
    (cost * 1000.0).round() as i32
}

/// 1 for true, 0 for false.
pub(crate) fn flag(it: bool) -> f32 {
    f32::from(u8::from(it))
}

/// The value below which the given share of the values lies; none where there are no values.
pub(crate) fn quantile(values: &mut [f32], share: f64) -> Option<f32> {
    let last = values.len().checked_sub(1)?;
    let place = nearest_place(share * last as f64, values.len());
    let (_, value, _) = values.select_nth_unstable_by(place, f32::total_cmp);
    Some(*value)
}
