//! Kernels for the CPU that do in one pass what `ops` does in many.
//!
//! They run where no gradient is asked for and all numbers are float32 on the CPU; the plain path of
//! `ops` is their twin, and tests hold the two together. Loops are written so that the compiler turns
//! them into vector instructions; `pulp` chooses at run time between AVX-512, AVX2 and none.

mod attention;
pub(super) mod windows;

use attention::{Attend, Head};
use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, DType, InplaceOp2, Layout, Result, Shape, Tensor,
};
use pulp::{Arch, Simd, WithSimd};
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
            arch.dispatch(NormaliseRows { out, x, weight, bias, eps: self.eps });
        });
        Ok((CpuStorage::F32(normalised), x_layout.shape().clone()))
    }
}

// Closures would not be compiled with the vector instructions that were chosen: hence the structs.

struct NormaliseRows<'a> {
    out: &'a mut [f32],
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
}

impl WithSimd for NormaliseRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.weight.len();
        for (out, x) in self.out.chunks_exact_mut(width).zip(self.x.chunks_exact(width)) {
            normalise_row(out, x, self.weight, self.bias, self.eps);
        }
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

/// The largest number, but at least `floor`, in sixteen lanes.
#[inline(always)]
fn largest(x: &[f32], floor: f32) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [floor; 16];
    let chunks = x.chunks_exact(16);
    let rest = chunks.remainder().iter().fold(floor, |top, it| larger(*it, top));
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

struct GeluAll<'a> {
    out: &'a mut [f32],
    x: &'a [f32],
}

impl WithSimd for GeluAll<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (out, x) in self.out.iter_mut().zip(self.x) {
            *out = gelu_of(*x);
        }
    }
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
            arch.dispatch(GeluAll { out, x });
        });
        Ok((CpuStorage::F32(activated), layout.shape().clone()))
    }
}

/// What is done to a matrix product while it is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Bias,
    BiasGelu,
    BiasRelu,
}

/// Adds a bias to every row of `x`, in place, and activates.
pub(super) fn finish(x: &Tensor, bias: &Tensor, finish: Finish) -> Result<()> {
    x.inplace_op2(bias, &finish)
}

impl InplaceOp2 for Finish {
    fn name(&self) -> &'static str {
        "fused bias and activation"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<()> {
        let bias = numbers(bias, bias_layout)?;
        let (CpuStorage::F32(x), Some((start, end))) = (x, x_layout.contiguous_offsets()) else {
            candle_core::bail!("a kernel got numbers that do not lie side by side")
        };
        let block = rows_per_task(bias.len()) * bias.len();
        let arch = Arch::new();
        x[start..end].par_chunks_mut(block).for_each(|x| {
            arch.dispatch(FinishRows { x, bias, finish: *self });
        });
        Ok(())
    }
}

struct FinishRows<'a> {
    x: &'a mut [f32],
    bias: &'a [f32],
    finish: Finish,
}

impl WithSimd for FinishRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for row in self.x.chunks_exact_mut(self.bias.len()) {
            for (it, bias) in row.iter_mut().zip(self.bias) {
                *it += bias;
            }
            match self.finish {
                Finish::Bias => {}
                Finish::BiasGelu => {
                    for it in row {
                        *it = gelu_of(*it);
                    }
                }
                Finish::BiasRelu => {
                    for it in row {
                        *it = it.max(0.0);
                    }
                }
            }
        }
    }
}

struct Attention;

/// # Shapes
/// `q` (b, heads, n, c), `k` (b, heads, m, c), `v` (b, heads, m, d): (b, heads, n, d)
pub(super) fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    q.apply_op3_no_bwd(k, v, &Attention)
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "fused attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (b, heads, n, channels) = q_layout.shape().dims4()?;
        let (_, _, m, value_channels) = v_layout.shape().dims4()?;
        let q = numbers(q, q_layout)?;
        let k = numbers(k, k_layout)?;
        let v = numbers(v, v_layout)?;
        let mut out = vec![0_f32; b * heads * n * value_channels];
        // Few heads are shared out by queries.
        let per_task = match rayon::current_num_threads() {
            threads if threads > b * heads => n.div_ceil(threads),
            _ => n,
        };
        out.par_chunks_mut(n * value_channels).enumerate().for_each(|(i, out)| {
            let k = &k[i * m * channels..(i + 1) * m * channels];
            let v = &v[i * m * value_channels..(i + 1) * m * value_channels];
            let q = &q[i * n * channels..(i + 1) * n * channels];
            let tasks = out.par_chunks_mut(per_task * value_channels);
            tasks.zip(q.par_chunks(per_task * channels)).for_each(|(out, q)| {
                let head = Head { q, k, v, channels, value_channels };
                Arch::new().dispatch(Attend { head, out });
            });
        });
        Ok((CpuStorage::F32(out), Shape::from((b, heads, n, value_channels))))
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
            arch.dispatch(ConvolveRow { out, picture, taps, bias, row, kernel: self.kernel });
        });
        Ok((CpuStorage::F32(convolved), x_layout.shape().clone()))
    }
}

struct ConvolveRow<'a> {
    out: &'a mut [f32],
    /// The whole map.
    picture: &'a [f32],
    taps: &'a [f32],
    bias: &'a [f32],
    row: usize,
    kernel: usize,
}

impl WithSimd for ConvolveRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let channels = self.bias.len();
        for out in self.out.chunks_exact_mut(channels) {
            out.copy_from_slice(self.bias);
        }
        let length = self.out.len();
        let taps = self.taps.chunks_exact(self.kernel * channels);
        for (dy, taps) in taps.enumerate() {
            let Some(at) = (self.row + dy).checked_sub(self.kernel / 2) else { continue };
            if let Some(x) = self.picture.get(at * length..(at + 1) * length) {
                convolve_row(self.out, x, taps, channels);
            }
        }
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
mod tests;
