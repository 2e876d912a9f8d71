//! Rotations of channel pairs by where a token stands.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Tokens per task.
const TOKENS: usize = 256;

/// Rotates the pairs of every token in place; tokens are whole grids, one after the other.
///
/// # Shapes
/// `x` (tokens, 2·pairs), `cosines` and `sines` (grid, pairs)
pub fn rotate(x: &mut [f32], cosines: &[f32], sines: &[f32], pairs: usize) {
    if pairs == 0 || cosines.is_empty() {
        return;
    }
    let grid = cosines.len() / pairs;
    x.par_chunks_mut(TOKENS * 2 * pairs).enumerate().for_each(|(i, x)| {
        Arch::new().dispatch(Rotate { x, first: i * TOKENS, cosines, sines, pairs, grid });
    });
}

struct Rotate<'a> {
    x: &'a mut [f32],
    first: usize,
    cosines: &'a [f32],
    sines: &'a [f32],
    pairs: usize,
    grid: usize,
}

impl WithSimd for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, first, cosines, sines, pairs, grid } = self;
        for (i, token) in x.chunks_exact_mut(2 * pairs).enumerate() {
            let place = (first + i) % grid * pairs;
            let turns = cosines[place..place + pairs].iter().zip(&sines[place..place + pairs]);
            for (pair, (cosine, sine)) in token.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
                let [real, imaginary] = *pair;
                *pair = [real * cosine - imaginary * sine, real * sine + imaginary * cosine];
            }
        }
    }
}
