//! The tiles with AVX2: a panel is taken in two halves, so that the sums of six rows fit the registers.

#![expect(unsafe_code, reason = "vector instructions and unchecked reads in the innermost loop")]

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_and_si256, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_slli_epi32, _mm256_storeu_ps,
};

use half::bf16;

use super::{Number, Tile, WIDTH, with_rows};
use crate::path::Path;

/// Rows whose sums stay in registers.
const ROWS_AT_ONCE: usize = 6;
/// Columns taken at once: two vectors.
const HALF: usize = 16;

pub(super) fn multiply_f32(tile: Tile<'_, f32>) {
    each_part(tile, |part| {
        // SAFETY: `each_part` has seen to the instructions; the parts lie within a checked tile.
        unsafe { with_rows!(part.rows, 6, tile_f32, part, [1 2 3 4 5]) }
    });
}

pub(super) fn multiply_bf16(tile: Tile<'_, bf16>) {
    each_part(tile, |part| {
        // SAFETY: as above.
        unsafe { with_rows!(part.rows, 6, tile_bf16, part, [1 2 3 4 5]) }
    });
}

/// Cuts a tile into parts of at most six rows and sixteen columns.
fn each_part<T: Number>(tile: Tile<'_, T>, multiply: impl Fn(Tile<'_, T>)) {
    assert!(Path::Avx2.is_available(), "a path that the processor lacks");
    let Tile { rows, depth, a, a_stride, panel, c, c_stride, adds } = tile;
    for first in (0..rows).step_by(ROWS_AT_ONCE) {
        for from in (0..WIDTH).step_by(HALF) {
            multiply(Tile {
                rows: ROWS_AT_ONCE.min(rows - first),
                depth,
                a: &a[first * a_stride..],
                a_stride,
                panel: panel.get(from * T::STEP..).unwrap_or_default(),
                c: &mut c[first * c_stride + from..],
                c_stride,
                adds,
            });
        }
    }
}

/// # Safety
/// `tile` is a part of a checked tile with `ROWS` rows and 16 columns.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_f32<const ROWS: usize>(tile: Tile<'_, f32>) {
    let Tile { depth, a, a_stride, panel, c, c_stride, adds, .. } = tile;
    let (a, panel, c) = (a.as_ptr(), panel.as_ptr(), c.as_mut_ptr());
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    for k in 0..depth {
        // SAFETY: `k` is below the depth; the panel holds 16 more numbers for it, every row one.
        unsafe {
            let b0 = _mm256_loadu_ps(panel.add(WIDTH * k));
            let b1 = _mm256_loadu_ps(panel.add(WIDTH * k + 8));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm256_set1_ps(*a.add(row * a_stride + k));
                sum[0] = _mm256_fmadd_ps(x, b0, sum[0]);
                sum[1] = _mm256_fmadd_ps(x, b1, sum[1]);
            }
        }
    }
    // SAFETY: `c` holds ROWS rows of 16 numbers.
    unsafe { store(c, c_stride, &sums, adds) };
}

/// A bfloat16 number is the upper half of a float32 number: pairs are taken apart by a shift and a
/// mask.
///
/// # Safety
/// `tile` is a part of a checked tile with `ROWS` rows and 16 columns.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_bf16<const ROWS: usize>(tile: Tile<'_, bf16>) {
    let Tile { depth, a, a_stride, panel, c, c_stride, adds, .. } = tile;
    let (a, panel, c) = (a.as_ptr(), panel.as_ptr(), c.as_mut_ptr());
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    for pair in 0..depth / 2 {
        // SAFETY: the panel holds 16 more pairs for every pair of numbers of a row; nothing needs to
        // be aligned.
        unsafe {
            let b0 = _mm256_loadu_ps(panel.add(2 * WIDTH * pair).cast());
            let b1 = _mm256_loadu_ps(panel.add(2 * WIDTH * pair + 16).cast());
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = a.add(row * a_stride + 2 * pair);
                let (first, second) =
                    (_mm256_set1_ps((*x).to_f32()), _mm256_set1_ps((*x.add(1)).to_f32()));
                sum[0] = _mm256_fmadd_ps(second, upper(b0), sum[0]);
                sum[1] = _mm256_fmadd_ps(second, upper(b1), sum[1]);
                sum[0] = _mm256_fmadd_ps(first, lower(b0), sum[0]);
                sum[1] = _mm256_fmadd_ps(first, lower(b1), sum[1]);
            }
        }
    }
    // SAFETY: `c` holds ROWS rows of 16 numbers.
    unsafe { store(c, c_stride, &sums, adds) };
}

/// The first number of each pair.
#[inline]
#[target_feature(enable = "avx2")]
fn lower(pairs: __m256) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(pairs)))
}

/// The second number of each pair.
#[inline]
#[target_feature(enable = "avx2")]
fn upper(pairs: __m256) -> __m256 {
    let mask = _mm256_set1_epi32(-0x1_0000);
    _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(pairs), mask))
}

/// # Safety
/// `c` holds `ROWS` rows of 16 numbers, `stride` numbers apart.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store<const ROWS: usize>(
    c: *mut f32,
    stride: usize,
    sums: &[[__m256; 2]; ROWS],
    adds: bool,
) {
    for (row, sum) in sums.iter().enumerate() {
        for (i, sum) in sum.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let place = c.add(row * stride + 8 * i);
                let sum = if adds { _mm256_add_ps(_mm256_loadu_ps(place), *sum) } else { *sum };
                _mm256_storeu_ps(place, sum);
            }
        }
    }
}
