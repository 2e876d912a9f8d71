//! Normalisation over channels.

use half::bf16;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::math::sum;
use crate::tile::Number;

/// Numbers that one task works on at least; less is not worth a second core.
const GRAIN: usize = 1 << 14;

/// Normalises over the last axis, then scales and shifts.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

impl LayerNorm {
    /// # Panics
    /// If `weight` and `bias` differ in length.
    #[must_use]
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, eps: f32) -> Self {
        assert_eq!(weight.len(), bias.len(), "a weight and a bias for each channel");
        Self { weight, bias, eps }
    }

    /// # Shapes
    /// `x` (rows, c), as returned
    #[must_use]
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let width = self.weight.len();
        let mut normalised = vec![0_f32; x.len()];
        let block = (GRAIN / width.max(1)).max(1) * width;
        normalised.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
            self.rows(out, x, width);
        });
        normalised
    }

    /// Normalises rows into `out`, whose rows are `stride` numbers apart; what lies between is zero.
    pub(crate) fn rows<T: Number>(&self, out: &mut [T], x: &[f32], stride: usize) {
        Arch::new().dispatch(NormaliseRows { out, x, norm: self, stride });
    }
}

struct NormaliseRows<'a, T> {
    out: &'a mut [T],
    x: &'a [f32],
    norm: &'a LayerNorm,
    stride: usize,
}

impl<T: Number> WithSimd for NormaliseRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let LayerNorm { weight, bias, eps } = self.norm;
        let width = weight.len();
        for (out, x) in self.out.chunks_exact_mut(self.stride).zip(self.x.chunks_exact(width)) {
            let (out, beyond) = out.split_at_mut(width);
            normalise_row(out, x, weight, bias, *eps);
            beyond.fill(T::zeroed());
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "rows are short")]
fn normalise_row<T: Number>(out: &mut [T], x: &[f32], weight: &[f32], bias: &[f32], eps: f32) {
    let count = x.len() as f32;
    let mean = sum(x, |it| it) / count;
    let variance = sum(x, |it| (it - mean) * (it - mean)) / count;
    let scale = 1.0 / (variance + eps).sqrt();
    let shift = -mean * scale;
    for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = T::round(x.mul_add(scale, shift).mul_add(*weight, *bias));
    }
}

/// Rounds rows of `width` numbers into rows of `stride`; what lies between is zero.
pub(crate) struct RoundRows<'a> {
    pub(crate) out: &'a mut [bf16],
    pub(crate) x: &'a [f32],
    pub(crate) width: usize,
    pub(crate) stride: usize,
}

impl WithSimd for RoundRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (out, x) in self.out.chunks_exact_mut(self.stride).zip(self.x.chunks_exact(self.width))
        {
            let (out, beyond) = out.split_at_mut(self.width);
            for (out, x) in out.iter_mut().zip(x) {
                *out = bf16::round(*x);
            }
            beyond.fill(bf16::ZERO);
        }
    }
}
