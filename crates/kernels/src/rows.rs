//! Rows of float32 numbers as a product takes them: normalised, rounded, or just as they are.

use half::bf16;
use pulp::Arch;

use crate::norm::{LayerNorm, RoundRows};
use crate::scratch::with_scratch;
use crate::tile::Number;

/// A number that float32 rows can be turned into.
pub(crate) trait FromRows: Number {
    /// Hands `work` rows of `width` numbers, rounded into rows of `depth`.
    fn with_rounded<R>(x: &[f32], width: usize, depth: usize, work: impl FnOnce(&[Self]) -> R)
    -> R;
}

impl FromRows for f32 {
    fn with_rounded<R>(x: &[f32], _: usize, _: usize, work: impl FnOnce(&[Self]) -> R) -> R {
        work(x)
    }
}

impl FromRows for bf16 {
    fn with_rounded<R>(
        x: &[f32],
        width: usize,
        depth: usize,
        work: impl FnOnce(&[Self]) -> R,
    ) -> R {
        with_scratch(x.len() / width * depth, |out: &mut [Self]| {
            Arch::new().dispatch(RoundRows { out: &mut *out, x, width, stride: depth });
            work(out)
        })
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
    let Some(norm) = norm else { return T::with_rounded(x, width, depth, work) };
    with_scratch(x.len() / width * depth, |rows: &mut [T]| {
        norm.rows(rows, x, depth);
        work(rows)
    })
}
