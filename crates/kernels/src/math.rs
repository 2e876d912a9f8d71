//! Functions of numbers and of rows, written so that the compiler makes vector instructions of them.
//!
//! `pulp` compiles them for the widest vectors and chooses at run time; closures would not be compiled
//! with those instructions, hence the structs that implement [`pulp::WithSimd`].

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Sums in sixteen lanes, so that the additions can run side by side.
#[inline(always)]
pub(crate) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0_f32; 16];
    let (chunks, rest) = x.as_chunks::<16>();
    let rest: f32 = rest.iter().map(|it| f(*it)).sum();
    for chunk in chunks {
        for (lane, it) in lanes.iter_mut().zip(chunk) {
            *lane += f(*it);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// The largest number, but at least `floor`, in sixteen lanes.
#[inline(always)]
pub(crate) fn largest(x: &[f32], floor: f32) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [floor; 16];
    let (chunks, rest) = x.as_chunks::<16>();
    let rest = rest.iter().fold(floor, |top, it| larger(*it, top));
    for chunk in chunks {
        for (lane, it) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*it, *lane);
        }
    }
    lanes.iter().fold(rest, |top, it| larger(*it, top))
}

/// e^x for x ≤ 0, within two units of the last place: halving powers of two by a polynomial.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the exponent is within −126 and 0"
)]
pub(crate) fn exp_nonpositive(x: f32) -> f32 {
    // Not `max`, which would make −87 of what is no number.
    let x = if x < -87.0 { -87.0 } else { x };
    let whole = (x * std::f32::consts::LOG2_E).round_ties_even();
    // ln 2 in two parts, so that the remainder is exact.
    let rest = whole.mul_add(-0.693_359_4, x);
    let rest = whole.mul_add(2.121_944_4e-4, rest);
    let polynomial = 1.987_569_1e-4_f32
        .mul_add(rest, 1.398_199_9e-3)
        .mul_add(rest, 8.333_452e-3)
        .mul_add(rest, 4.166_579_6e-2)
        .mul_add(rest, 1.666_666_5e-1)
        .mul_add(rest, 0.5);
    let fraction = polynomial.mul_add(rest * rest, rest) + 1.0;
    fraction * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

/// x · Φ(x) with the normal distribution by two polynomials, each within 2e-7 of its value.
///
/// Near 0, Φ − ½ is x times a polynomial in x²; farther out, the tail is e^(−x²/2) times one in
/// 1 / (1 + |x| / √8). Both were fitted at Chebyshev nodes.
#[inline(always)]
pub(crate) fn gelu_of(x: f32) -> f32 {
    const NEAR: f32 = 1.414;
    let square = x * x;
    let near = (-2.670_169e-8_f32)
        .mul_add(square, 6.223_621_7e-7)
        .mul_add(square, -9.373_673e-6)
        .mul_add(square, 1.153_695_9e-4)
        .mul_add(square, -1.187_295_5e-3)
        .mul_add(square, 9.973_549e-3)
        .mul_add(square, -6.649_038e-2)
        .mul_add(square, 3.989_423e-1)
        .mul_add(x, 0.5);
    let t = 1.0 / (0.353_553_4 * x.abs() + 1.0);
    let tail = (-2.943_267_3e-2_f32)
        .mul_add(t, 1.418_551_8e-1)
        .mul_add(t, -2.428_326_5e-1)
        .mul_add(t, 1.382_907_2e-1)
        .mul_add(t, -1.288_210_7e-2)
        .mul_add(t, 1.011_883_4e-1)
        .mul_add(t, 1.215_865_5e-1)
        .mul_add(t, 1.411_831_2e-1)
        .mul_add(t, 1.410_434_7e-1)
        * t
        * exp_nonpositive(-0.5 * square);
    let far = if x < 0.0 { tail } else { 1.0 - tail };
    x * if x.abs() < NEAR { near } else { far }
}

/// [`gelu_of`] of every number, in place.
pub fn gelu(x: &mut [f32]) {
    x.par_chunks_mut(1 << 14).for_each(|x| Arch::new().dispatch(GeluAll { x }));
}

struct GeluAll<'a> {
    x: &'a mut [f32],
}

impl WithSimd for GeluAll<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for x in self.x {
            *x = gelu_of(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_precision_loss, reason = "whole numbers below 2^24")]

    use super::exp_nonpositive;

    #[test]
    fn exponential_is_within_two_units_of_the_last_place() {
        for i in 0..80_000_u32 {
            let x = -(i as f32) * 1.05e-3;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp_nonpositive(x)) - exact).abs() / exact;
            assert!(error < 2.4e-7, "e^{x} is off by {error}");
        }
    }
}
