//! The operations the network is made of, in candle's own terms: gradients flow through all of them.
//!
//! Maps are stored with channels last, `(b, h, w, c)`, so that a convolution over one pixel is a
//! matrix product and a normalisation over channels works on neighbours in memory. Where no gradient
//! is asked for and the CPU computes, kernels of [`fused`] take the place of the slowest.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::softmax;

use super::fused;

/// `x · weightᵀ + bias`.
///
/// # Shapes
/// `x` (…, i), `weight` (o, i), `bias` (o): (…, o)
pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    let (outputs, inputs) = weight.dims2()?;
    let rows = x.elem_count() / inputs;
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    x.reshape((rows, inputs))?.matmul(&weight.t()?)?.broadcast_add(bias)?.reshape(shape)
}

/// Normalises over the last axis, then scales and shifts.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    if fused::applies(&[x, weight, bias]) {
        return fused::layer_norm(x, weight, bias, eps);
    }
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normalised = centred.broadcast_div(&(variance + eps)?.sqrt()?)?;
    normalised.broadcast_mul(weight)?.broadcast_add(bias)
}

/// The exact Gaussian error linear unit.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    if fused::applies(&[x]) { fused::gelu(x) } else { x.gelu_erf() }
}

/// `1 / (1 + e⁻ˣ)`.
pub(crate) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

/// Scaled dot-product attention.
///
/// # Shapes
/// `q` (b, heads, n, c), `k` and `v` (b, heads, m, c): (b, heads, n, c)
pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let channels = q.dim(D::Minus1)?;
    let q = (q * scale(channels))?.contiguous()?;
    let scores = q.matmul(&k.contiguous()?.t()?)?;
    let shares = if fused::applies(&[&scores]) {
        fused::softmax(&scores)?
    } else {
        softmax(&scores, D::Minus1)?
    };
    shares.matmul(&v.contiguous()?)
}

#[expect(clippy::cast_precision_loss, reason = "channels are few")]
fn scale(channels: usize) -> f64 {
    1.0 / (channels as f64).sqrt()
}

/// A convolution with padding, on maps with channels last.
///
/// # Shapes
/// `x` (b, h, w, i), `weight` (o, i, k, k), `bias` (o)
pub(crate) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
    stride: usize,
) -> Result<Tensor> {
    let x = x.permute((0, 3, 1, 2))?.contiguous()?;
    let y = x.conv2d(weight, padding, stride, 1, 1)?;
    y.permute((0, 2, 3, 1))?.contiguous()?.broadcast_add(bias)
}

/// A convolution of each channel by itself, which keeps the map's size.
///
/// # Shapes
/// `x` (b, h, w, c), `weight` (c, 1, k, k), `bias` (c)
pub(crate) fn depthwise_conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, height, width, channels) = x.dims4()?;
    let kernel = weight.dim(3)?;
    let margin = kernel / 2;
    let taps = weight.reshape((channels, kernel * kernel))?.t()?.contiguous()?;
    if fused::applies(&[x, &taps, bias]) {
        return fused::depthwise_conv2d(x, &taps, bias);
    }
    let padded = x.pad_with_zeros(1, margin, margin)?.pad_with_zeros(2, margin, margin)?;
    let mut sum = bias.broadcast_as(x.shape())?.contiguous()?;
    for dy in 0..kernel {
        let rows = padded.narrow(1, dy, height)?;
        for dx in 0..kernel {
            let tap = taps.get(dy * kernel + dx)?;
            sum = (sum + rows.narrow(2, dx, width)?.broadcast_mul(&tap)?)?;
        }
    }
    Ok(sum)
}

/// Takes the largest of every 2 × 2 pixels.
///
/// # Shapes
/// (b, h, w, c): (b, h/2, w/2, c)
pub(crate) fn max_pool2(x: &Tensor) -> Result<Tensor> {
    let (b, h, w, c) = x.dims4()?;
    x.reshape((b, h / 2, 2, w, c))?.max(2)?.reshape((b, h / 2, w / 2, 2, c))?.max(3)
}

/// Doubles a map's size by repeating pixels.
///
/// # Shapes
/// (b, h, w, c): (b, 2h, 2w, c)
pub(crate) fn upsample_nearest2(x: &Tensor) -> Result<Tensor> {
    let (b, h, w, c) = x.dims4()?;
    x.reshape((b, h, 1, w, 1, c))?.broadcast_as((b, h, 2, w, 2, c))?.reshape((b, 2 * h, 2 * w, c))
}

/// Gathers blocks of `k` × `k` pixels into channels, row by row: what a convolution with stride `k`
/// sees.
///
/// # Shapes
/// (b, h, w, c): (b, h/k, w/k, k·k·c)
pub(crate) fn space_to_depth(x: &Tensor, k: usize) -> Result<Tensor> {
    let (b, h, w, c) = x.dims4()?;
    x.reshape((b, h / k, k, w / k, k, c))?.permute((0, 1, 3, 2, 4, 5))?.reshape((
        b,
        h / k,
        w / k,
        k * k * c,
    ))
}

/// The inverse of [`space_to_depth`].
///
/// # Shapes
/// (b, h, w, k·k·c): (b, k·h, k·w, c)
pub(crate) fn depth_to_space(x: &Tensor, k: usize) -> Result<Tensor> {
    let (b, h, w, channels) = x.dims4()?;
    let c = channels / (k * k);
    x.reshape((b, h, w, k, k, c))?.permute((0, 1, 3, 2, 4, 5))?.reshape((b, h * k, w * k, c))
}
