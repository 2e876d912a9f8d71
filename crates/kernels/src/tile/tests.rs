//! Every path against the scalar one, and the scalar one against a product known beforehand.

use half::bf16;
use proptest::prelude::*;

use super::{MAX_ROWS, Number, Tile, WIDTH};
use crate::path::Path;

/// Numbers without a pattern that the tile could get right by chance.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// What a path computes for given numbers; what it must not touch comes along.
fn tile<T: Number>(path: Path, rows: usize, depth: usize, adds: bool, seed: u32) -> Vec<f32> {
    let (a_stride, c_stride) = (depth + 2 * T::STEP, WIDTH + 3);
    let round = |x: Vec<f32>| -> Vec<T> { x.into_iter().map(T::round).collect() };
    let a = round(numbers(rows * a_stride, seed));
    let panel = round(numbers(depth * WIDTH, seed + 1));
    let mut c = numbers(rows * c_stride, seed + 2);
    T::multiply(
        path,
        Tile { rows, depth, a: &a, a_stride, panel: &panel, c: &mut c, c_stride, adds },
    );
    c
}

proptest! {
    #[test]
    fn all_paths_compute_the_same_float32_tiles(
        rows in 1..=MAX_ROWS, depth in 1_usize..70, adds: bool, seed in 0_u32..1000,
    ) {
        let expected = tile::<f32>(Path::Scalar, rows, depth, adds, seed);
        for path in Path::available() {
            let found = tile::<f32>(path, rows, depth, adds, seed);
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() <= 2e-5, "{path:?}: {found} not {expected}");
            }
        }
    }

    #[test]
    fn all_paths_compute_the_same_bfloat16_tiles(
        rows in 1..=MAX_ROWS, pairs in 1_usize..40, adds: bool, seed in 0_u32..1000,
    ) {
        let expected = tile::<bf16>(Path::Scalar, rows, 2 * pairs, adds, seed);
        for path in Path::available() {
            let found = tile::<bf16>(path, rows, 2 * pairs, adds, seed);
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() <= 2e-5, "{path:?}: {found} not {expected}");
            }
        }
    }

    #[test]
    fn numbers_are_rounded_to_bfloat16_as_the_standard_says(bits: u32) {
        let x = f32::from_bits(bits);
        let (found, expected) = (<bf16 as Number>::round(x), bf16::from_f32(x));
        prop_assert!(found == expected || (found.is_nan() && expected.is_nan()), "{x}");
    }
}

#[test]
fn scalar_tile_is_a_matrix_product() {
    // Twelve rows of k + row, columns that pick: column j of the panel is 1 at depth j.
    let depth = WIDTH;
    let a: Vec<f32> = (0..MAX_ROWS * depth).map(|i| (i / depth * 100 + i % depth) as f32).collect();
    let mut panel = vec![0_f32; depth * WIDTH];
    for i in 0..WIDTH {
        panel[i * WIDTH + i] = 1.0;
    }
    let mut c = vec![7_f32; MAX_ROWS * WIDTH];
    let tile = Tile {
        rows: MAX_ROWS,
        depth,
        a: &a,
        a_stride: depth,
        panel: &panel,
        c: &mut c,
        c_stride: WIDTH,
        adds: false,
    };
    f32::multiply(Path::Scalar, tile);
    assert_eq!(c, a);
}

#[test]
#[should_panic(expected = "a panel ends early")]
fn a_tile_beyond_its_slices_is_refused() {
    let mut c = [0_f32; WIDTH];
    let tile = Tile {
        rows: 1,
        depth: 2,
        a: &[0.0; 2],
        a_stride: 2,
        panel: &[0.0; 63],
        c: &mut c,
        c_stride: WIDTH,
        adds: false,
    };
    f32::multiply(Path::best(), tile);
}
