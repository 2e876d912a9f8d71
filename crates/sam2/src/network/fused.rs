//! Kernels for the CPU that do in one pass what `ops` does in many.
//!
//! They run where no gradient is asked for and all numbers are float32 on the CPU; the plain path of
//! `ops` is their twin, and tests hold the two together. Loops are written so that the compiler turns
//! them into vector instructions; `pulp` chooses at run time between AVX-512, AVX2 and none.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

/// Numbers that one task works on at least; less is not worth a second core.
const GRAIN: usize = 1 << 14;

/// Whether the kernels can take the place of the plain path.
pub(super) fn applies(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|it| {
        it.device().is_cpu() && it.dtype() == DType::F32 && it.is_contiguous() && !it.track_op()
    })
}

/// Rows per task for rows of `width` numbers.
fn rows_per_task(width: usize) -> usize {
    (GRAIN / width.max(1)).max(1)
}

/// The numbers of a contiguous tensor.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&all[start..end]),
        None => candle_core::bail!("a kernel got numbers that do not lie side by side"),
    }
}

/// Normalises rows, then scales and shifts.
struct LayerNorm {
    eps: f32,
}

pub(super) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    #[expect(clippy::cast_possible_truncation, reason = "computed in f32")]
    let eps = eps as f32;
    x.apply_op3_no_bwd(weight, bias, &LayerNorm { eps })
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "fused layer norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, x_layout)?;
        let weight = numbers(weight, weight_layout)?;
        let bias = numbers(bias, bias_layout)?;
        let width = weight.len();
        let mut normalised = vec![0_f32; x.len()];
        let block = rows_per_task(width) * width;
        let arch = Arch::new();
        normalised.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
            arch.dispatch(|| {
                for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    normalise_row(out, x, weight, bias, self.eps);
                }
            });
        });
        Ok((CpuStorage::F32(normalised), x_layout.shape().clone()))
    }
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "rows are short")]
fn normalise_row(out: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32], eps: f32) {
    let count = x.len() as f32;
    let mean = sum(x, |it| it) / count;
    let variance = sum(x, |it| (it - mean) * (it - mean)) / count;
    let scale = 1.0 / (variance + eps).sqrt();
    let shift = -mean * scale;
    for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = x.mul_add(scale, shift).mul_add(*weight, *bias);
    }
}

/// Sums in sixteen lanes, so that the additions can run side by side.
#[inline(always)]
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0_f32; 16];
    let chunks = x.chunks_exact(16);
    let rest: f32 = chunks.remainder().iter().map(|it| f(*it)).sum();
    for chunk in chunks {
        for (lane, it) in lanes.iter_mut().zip(chunk) {
            *lane += f(*it);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// e^x for x ≤ 0, within two units of the last place: halving powers of two by a polynomial.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the exponent is within −126 and 0"
)]
fn exp_nonpositive(x: f32) -> f32 {
    let x = x.max(-87.0);
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
fn gelu_of(x: f32) -> f32 {
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

struct Gelu;

pub(super) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.apply_op1_no_bwd(&Gelu)
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "fused gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut activated = vec![0_f32; x.len()];
        let arch = Arch::new();
        activated.par_chunks_mut(GRAIN).zip(x.par_chunks(GRAIN)).for_each(|(out, x)| {
            arch.dispatch(|| {
                for (out, x) in out.iter_mut().zip(x) {
                    *out = gelu_of(*x);
                }
            });
        });
        Ok((CpuStorage::F32(activated), layout.shape().clone()))
    }
}

struct Softmax;

/// Softmax over the last axis.
pub(super) fn softmax(x: &Tensor) -> Result<Tensor> {
    x.apply_op1_no_bwd(&Softmax)
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "fused softmax"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let width = layout.dims().last().copied().unwrap_or(1);
        let mut shares = vec![0_f32; x.len()];
        let block = rows_per_task(width) * width;
        let arch = Arch::new();
        shares.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
            arch.dispatch(|| {
                for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    softmax_row(out, x);
                }
            });
        });
        Ok((CpuStorage::F32(shares), layout.shape().clone()))
    }
}

#[inline(always)]
fn softmax_row(out: &mut [f32], x: &[f32]) {
    let mut lanes = [f32::MIN; 16];
    let chunks = x.chunks_exact(16);
    let rest = chunks.remainder().iter().fold(f32::MIN, |largest, it| largest.max(*it));
    for chunk in chunks {
        for (lane, it) in lanes.iter_mut().zip(chunk) {
            *lane = if *it > *lane { *it } else { *lane };
        }
    }
    let largest = lanes.iter().fold(rest, |largest, it| largest.max(*it));
    for (out, x) in out.iter_mut().zip(x) {
        *out = exp_nonpositive(x - largest);
    }
    let scale = 1.0 / sum(out, |it| it);
    for out in out {
        *out *= scale;
    }
}

/// A convolution of each channel by itself; rows of the map are shared out between the cores.
struct DepthwiseConv {
    kernel: usize,
}

/// # Shapes
/// `x` (b, h, w, c), `taps` (k·k, c), `bias` (c)
pub(super) fn depthwise_conv2d(x: &Tensor, taps: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let kernel = taps.dim(0)?.isqrt();
    x.apply_op3_no_bwd(taps, bias, &DepthwiseConv { kernel })
}

impl CustomOp3 for DepthwiseConv {
    fn name(&self) -> &'static str {
        "fused depth-wise convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        taps: &CpuStorage,
        taps_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, height, width, channels) = x_layout.shape().dims4()?;
        let x = numbers(x, x_layout)?;
        let taps = numbers(taps, taps_layout)?;
        let bias = numbers(bias, bias_layout)?;
        let row_length = width * channels;
        let mut convolved = vec![0_f32; x.len()];
        let arch = Arch::new();
        let work = convolved.par_chunks_mut(row_length).enumerate();
        work.for_each(|(index, out)| {
            let (picture, row) = (index / height, index % height);
            let picture = &x[picture * height * row_length..][..height * row_length];
            arch.dispatch(|| {
                for out in out.chunks_exact_mut(channels) {
                    out.copy_from_slice(bias);
                }
                for dy in 0..self.kernel {
                    let Some(at) = (row + dy).checked_sub(self.kernel / 2) else { continue };
                    if at < height {
                        let x = &picture[at * row_length..][..row_length];
                        let taps = &taps[dy * self.kernel * channels..][..self.kernel * channels];
                        convolve_row(out, x, taps, channels);
                    }
                }
            });
        });
        Ok((CpuStorage::F32(convolved), x_layout.shape().clone()))
    }
}

/// Adds what one row of the map gives to one row of the result.
#[inline(always)]
fn convolve_row(out: &mut [f32], x: &[f32], taps: &[f32], channels: usize) {
    let kernel = taps.len() / channels;
    let width = x.len() / channels;
    for (column, out) in out.chunks_exact_mut(channels).enumerate() {
        for (dx, tap) in taps.chunks_exact(channels).enumerate() {
            let Some(at) = (column + dx).checked_sub(kernel / 2) else { continue };
            if at < width {
                let x = &x[at * channels..][..channels];
                for ((out, x), tap) in out.iter_mut().zip(x).zip(tap) {
                    *out = x.mul_add(*tap, *out);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "whole numbers below 2^24")]
mod tests {
    use candle_core::{Device, Var};

    use super::super::ops;
    use super::*;

    fn random(shape: impl Into<Shape>, scale: f32) -> Tensor {
        Tensor::randn(0_f32, scale, shape, &Device::Cpu).unwrap()
    }

    /// The same numbers as a variable, which the plain path takes.
    fn tracked(x: &Tensor) -> Tensor {
        Var::from_tensor(x).unwrap().as_tensor().clone()
    }

    fn check_twins(fused: &Tensor, plain: &Tensor, tolerance: f32) {
        assert!(plain.track_op() && !fused.track_op(), "both ran on the same path");
        let distance = (fused - plain).unwrap().abs().unwrap().max_all().unwrap();
        let distance = distance.to_scalar::<f32>().unwrap();
        assert!(distance <= tolerance, "{distance}");
    }

    #[test]
    fn layer_norm_equals_its_plain_twin() {
        for (rows, width) in [(1, 5), (3, 16), (70, 17), (400, 96), (33, 256)] {
            let x = (random((rows, width), 3.0) + 2.0).unwrap();
            let (weight, bias) = (random(width, 1.0), random(width, 1.0));
            let fused = ops::layer_norm(&x, &weight, &bias, 1e-6).unwrap();
            let plain = ops::layer_norm(&tracked(&x), &weight, &bias, 1e-6).unwrap();
            check_twins(&fused, &plain, 2e-5);
        }
    }

    #[test]
    fn gelu_equals_its_plain_twin_from_end_to_end() {
        let x = Tensor::arange(-20_f32, 20.0, &Device::Cpu).unwrap();
        let x = x.broadcast_add(&random((700, 1), 1.0)).unwrap();
        let fused = ops::gelu(&x).unwrap();
        let plain = ops::gelu(&tracked(&x)).unwrap();
        check_twins(&fused, &plain, 3e-6);
    }

    #[test]
    fn attention_equals_its_plain_twin() {
        for (n, m, scale) in [(1, 1, 1.0), (7, 33, 1.0), (64, 130, 20.0)] {
            let q = random((2, 3, n, 16), scale);
            let (k, v) = (random((2, 3, m, 16), 1.0), random((2, 3, m, 16), 1.0));
            let fused = ops::attention(&q, &k, &v).unwrap();
            let plain = ops::attention(&tracked(&q), &k, &v).unwrap();
            check_twins(&fused, &plain, 2e-5);
        }
    }

    #[test]
    fn depthwise_convolution_equals_its_plain_twin() {
        for (height, width, channels, kernel) in [(1, 1, 3, 7), (9, 5, 20, 7), (32, 32, 64, 3)] {
            let x = random((2, height, width, channels), 1.0);
            let weight = random((channels, 1, kernel, kernel), 0.3);
            let bias = random(channels, 1.0);
            let fused = ops::depthwise_conv2d(&x, &weight, &bias).unwrap();
            let plain = ops::depthwise_conv2d(&tracked(&x), &weight, &bias).unwrap();
            check_twins(&fused, &plain, 2e-5);
        }
    }

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
