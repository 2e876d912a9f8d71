//! The tiles with AVX-512: two vectors of sums per row.

#![expect(unsafe_code, reason = "vector instructions and unchecked reads in the innermost loop")]

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use half::bf16;

use super::{Tile, with_rows};
use crate::path::Path;

pub(super) fn multiply_f32(tile: Tile<'_, f32>) {
    assert!(Path::Avx512.is_available(), "a path that the processor lacks");
    // SAFETY: the processor has AVX-512; `Tile::check` has seen that rows, panel and result reach far
    // enough for `rows` rows of `depth` numbers.
    unsafe { with_rows!(tile.rows, 12, tile_f32, tile, [1 2 3 4 5 6 7 8 9 10 11]) }
}

pub(super) fn multiply_bf16(tile: Tile<'_, bf16>) {
    assert!(Path::Avx512Bf16.is_available(), "a path that the processor lacks");
    // SAFETY: as above, with the instructions for bfloat16.
    unsafe { with_rows!(tile.rows, 12, tile_bf16, tile, [1 2 3 4 5 6 7 8 9 10 11]) }
}

/// # Safety
/// `tile` is checked and has `ROWS` rows.
#[target_feature(enable = "avx512f")]
unsafe fn tile_f32<const ROWS: usize>(tile: Tile<'_, f32>) {
    let Tile { depth, a, a_stride, panel, c, c_stride, adds, .. } = tile;
    let (a, panel, c) = (a.as_ptr(), panel.as_ptr(), c.as_mut_ptr());
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    for k in 0..depth {
        // SAFETY: `k` is below the depth; the panel holds 32 numbers for it, every row one.
        unsafe {
            let b0 = _mm512_loadu_ps(panel.add(32 * k));
            let b1 = _mm512_loadu_ps(panel.add(32 * k + 16));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm512_set1_ps(*a.add(row * a_stride + k));
                sum[0] = _mm512_fmadd_ps(x, b0, sum[0]);
                sum[1] = _mm512_fmadd_ps(x, b1, sum[1]);
            }
        }
    }
    // SAFETY: `c` holds ROWS rows of 32 numbers.
    unsafe { store(c, c_stride, &sums, adds) };
}

/// # Safety
/// `tile` is checked and has `ROWS` rows.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn tile_bf16<const ROWS: usize>(tile: Tile<'_, bf16>) {
    let Tile { depth, a, a_stride, panel, c, c_stride, adds, .. } = tile;
    let (a, panel, c) = (a.as_ptr(), panel.as_ptr(), c.as_mut_ptr());
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    for pair in 0..depth / 2 {
        // SAFETY: the panel holds 32 pairs for every pair of numbers of a row; nothing needs to be
        // aligned.
        unsafe {
            let b0 = pairs(_mm512_loadu_si512(panel.add(64 * pair).cast()));
            let b1 = pairs(_mm512_loadu_si512(panel.add(64 * pair + 32).cast()));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = a.add(row * a_stride + 2 * pair).cast::<i32>().read_unaligned();
                let x = pairs(_mm512_set1_epi32(x));
                sum[0] = _mm512_dpbf16_ps(sum[0], x, b0);
                sum[1] = _mm512_dpbf16_ps(sum[1], x, b1);
            }
        }
    }
    // SAFETY: `c` holds ROWS rows of 32 numbers.
    unsafe { store(c, c_stride, &sums, adds) };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both types are 64 bytes of any content.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
}

/// # Safety
/// `c` holds `ROWS` rows of 32 numbers, `stride` numbers apart.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store<const ROWS: usize>(
    c: *mut f32,
    stride: usize,
    sums: &[[__m512; 2]; ROWS],
    adds: bool,
) {
    for (row, sum) in sums.iter().enumerate() {
        for (i, sum) in sum.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let place = c.add(row * stride + 16 * i);
                let sum = if adds { _mm512_add_ps(_mm512_loadu_ps(place), *sum) } else { *sum };
                _mm512_storeu_ps(place, sum);
            }
        }
    }
}
