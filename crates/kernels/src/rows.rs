//! Rows of float32 numbers as a product takes them: normalised, rounded, or just as they are.

use half::bf16;
use pulp::Arch;

use crate::norm::{LayerNorm, RoundRows};
use crate::scratch::with_scratch;
use crate::tile::Number;

/// A number that float32 rows can be turned into.
pub(crate) trait FromRows: Number {
    /// The rows themselves, where nothing is to be done to them.
    fn as_they_are(x: &[f32]) -> Option<&[Self]>;

    /// Rounds rows of `width` numbers into rows of `stride`.
    fn round_rows(out: &mut [Self], x: &[f32], width: usize, stride: usize);
}

impl FromRows for f32 {
    fn as_they_are(x: &[f32]) -> Option<&[Self]> {
        Some(x)
    }

    fn round_rows(out: &mut [Self], x: &[f32], width: usize, stride: usize) {
        for (out, x) in out.chunks_exact_mut(stride).zip(x.chunks_exact(width)) {
            out[..width].copy_from_slice(x);
        }
    }
}

impl FromRows for bf16 {
    fn as_they_are(_: &[f32]) -> Option<&[Self]> {
        None
    }

    fn round_rows(out: &mut [Self], x: &[f32], width: usize, stride: usize) {
        Arch::new().dispatch(RoundRows { out, x, width, stride });
    }
}

/// Hands `work` the rows of `x`, which have `width` numbers, as rows of `depth` numbers.
pub(crate) fn with_rows<T: FromRows, R>(
    x: &[f32],
    width: usize,
    depth: usize,
    norm: Option<&LayerNorm>,
    work: impl FnOnce(&[T]) -> R,
) -> R {
    if let (None, Some(rows)) = (norm, T::as_they_are(x)) {
        return work(rows);
    }
    with_scratch(x.len() / width * depth, |rows: &mut [T]| {
        match norm {
            Some(norm) => norm.rows(rows, x, depth),
            None => T::round_rows(rows, x, width, depth),
        }
        work(rows)
    })
}
