//! Products of a few rows with one panel of columns: what all matrix products are made of.
//!
//! Every path computes the same sums in the same order. The scalar one is the twin that the vector
//! ones are tested against.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
#[cfg(test)]
mod tests;

use half::bf16;

use crate::path::Path;

/// Columns of a panel.
pub(crate) const WIDTH: usize = 32;
/// Rows of a tile at most: two vectors of sums for each fill the registers of AVX-512.
pub(crate) const MAX_ROWS: usize = 12;

/// A number that matrices are made of; sums are float32 always.
pub(crate) trait Number: bytemuck::Pod + Send + Sync {
    /// Neighbours along the depth that lie side by side in a panel and are multiplied at once.
    const STEP: usize;

    fn round(x: f32) -> Self;

    /// Computes a tile.
    fn multiply(path: Path, tile: Tile<'_, Self>);
}

/// `c = a · panel`, or `c += a · panel`.
///
/// # Shapes
/// `a` (rows, depth) with `a_stride` numbers from row to row; `panel` (depth / STEP, WIDTH, STEP); `c`
/// (rows, WIDTH) with `c_stride` numbers from row to row
#[derive(Debug)]
pub(crate) struct Tile<'a, T> {
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) a: &'a [T],
    pub(crate) a_stride: usize,
    pub(crate) panel: &'a [T],
    pub(crate) c: &'a mut [f32],
    pub(crate) c_stride: usize,
    /// Whether `c` is added to instead of overwritten.
    pub(crate) adds: bool,
}

impl<T: Number> Tile<'_, T> {
    /// Panics unless all that a tile reads and writes lies within its slices; the vector paths rely
    /// on it.
    fn check(&self) {
        let Self { rows, depth, a, a_stride, panel, c, c_stride, .. } = self;
        assert!((1..=MAX_ROWS).contains(rows), "a tile of {rows} rows");
        assert!(depth.is_multiple_of(T::STEP), "a depth of {depth}");
        let reach = |stride: usize, last: usize| (rows - 1).checked_mul(stride)?.checked_add(last);
        assert!(reach(*a_stride, *depth).is_some_and(|it| it <= a.len()), "rows end early");
        let panel_len = depth.checked_mul(WIDTH);
        assert!(panel_len.is_some_and(|it| it <= panel.len()), "a panel ends early");
        assert!(reach(*c_stride, WIDTH).is_some_and(|it| it <= c.len()), "the result ends early");
    }
}

impl Number for f32 {
    const STEP: usize = 1;

    #[inline(always)]
    fn round(x: f32) -> Self {
        x
    }

    fn multiply(path: Path, tile: Tile<'_, Self>) {
        tile.check();
        match path {
            Path::Scalar => scalar::multiply_f32(tile),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2::multiply_f32(tile),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 | Path::Avx512Bf16 => avx512::multiply_f32(tile),
        }
    }
}

impl Number for bf16 {
    const STEP: usize = 2;

    #[inline(always)]
    fn round(x: f32) -> Self {
        // To nearest, ties to even; a quiet NaN stays one.
        let bits = x.to_bits();
        let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
        Self::from_bits(if x.is_nan() { 0x7fc0 } else { rounded })
    }

    fn multiply(path: Path, tile: Tile<'_, Self>) {
        tile.check();
        match path {
            Path::Scalar => scalar::multiply_bf16(tile),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 | Path::Avx512 => avx2::multiply_bf16(tile),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512Bf16 => avx512::multiply_bf16(tile),
        }
    }
}

/// Calls `$tile::<ROWS>` with the number of rows that is known at run time only.
#[cfg(target_arch = "x86_64")]
macro_rules! with_rows {
    ($rows:expr, $most:literal, $call:ident, $arguments:expr, [$($count:literal)*]) => {
        match $rows {
            $($count => $call::<$count>($arguments),)*
            _ => $call::<$most>($arguments),
        }
    };
}
#[cfg(target_arch = "x86_64")]
use with_rows;
