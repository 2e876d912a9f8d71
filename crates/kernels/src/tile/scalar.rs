//! The tiles in plain Rust: for processors without the vector instructions, and to test the others.

use half::bf16;

use super::{Tile, WIDTH};

pub(super) fn multiply_f32(tile: Tile<'_, f32>) {
    let Tile { rows, depth, a, a_stride, panel, c, c_stride, adds } = tile;
    for row in 0..rows {
        let a = &a[row * a_stride..][..depth];
        let c = &mut c[row * c_stride..][..WIDTH];
        let mut sums = [0_f32; WIDTH];
        for (a, b) in a.iter().zip(panel.as_chunks::<WIDTH>().0) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = multiply_add(*a, *b, *sum);
            }
        }
        store(c, &sums, adds);
    }
}

pub(super) fn multiply_bf16(tile: Tile<'_, bf16>) {
    let Tile { rows, depth, a, a_stride, panel, c, c_stride, adds } = tile;
    for row in 0..rows {
        let a = &a[row * a_stride..][..depth];
        let c = &mut c[row * c_stride..][..WIDTH];
        let mut sums = [0_f32; WIDTH];
        for (a, b) in a.as_chunks::<2>().0.iter().zip(panel.as_chunks::<{ 2 * WIDTH }>().0) {
            // The second of a pair first, as the instruction for bfloat16 does it.
            for i in [1, 0] {
                for (sum, b) in sums.iter_mut().zip(b.as_chunks::<2>().0) {
                    *sum = multiply_add(a[i].to_f32(), b[i].to_f32(), *sum);
                }
            }
        }
        store(c, &sums, adds);
    }
}

fn store(c: &mut [f32], sums: &[f32], adds: bool) {
    for (c, sum) in c.iter_mut().zip(sums) {
        *c = if adds { *c + sum } else { *sum };
    }
}

/// `a · b + c`; rounded once where the processor has an instruction for it.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        // `mul_add` would call a function of the C library here.
        a * b + c
    }
}
