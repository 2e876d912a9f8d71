//! The operations the network is made of, in candle's own terms: gradients flow through all of them.
//!
//! Maps are stored with channels last, `(b, h, w, c)`, so that a convolution over one pixel is a
//! matrix product and a normalisation over channels works on neighbours in memory. Where no gradient
//! is asked for and the CPU computes, kernels of [`fused`] take the place of the slowest.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::softmax;

use kernels::{Precision, QkvMap, Windows};

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
    let product = x.reshape((rows, inputs))?.matmul(&weight.t()?)?;
    product.broadcast_add(bias)?.reshape(shape)
}

/// Normalises over the last axis, then scales and shifts.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normalised = centred.broadcast_div(&(variance + eps)?.sqrt()?)?;
    normalised.broadcast_mul(weight)?.broadcast_add(bias)
}

/// The exact Gaussian error linear unit.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    if !fused::applies(&[x]) {
        return x.gelu_erf();
    }
    let mut numbers = fused::numbers(x)?.to_vec();
    kernels::gelu(&mut numbers);
    fused::tensor(numbers, x.shape())
}

/// `1 / (1 + e⁻ˣ)`.
pub(crate) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

/// Scaled dot-product attention.
///
/// # Shapes
/// `q` (b, heads, n, c), `k` (b, heads, m, c), `v` (b, heads, m, d): (b, heads, n, d)
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    precision: Precision,
) -> Result<Tensor> {
    let (q, k, v) = (q.contiguous()?, k.contiguous()?, v.contiguous()?);
    if fused::applies(&[&q, &k, &v]) {
        let (b, heads, n, channels) = q.dims4()?;
        let value_channels = v.dim(D::Minus1)?;
        let [q, k, v] = [&q, &k, &v].map(fused::numbers);
        let widths = [channels, value_channels];
        let found = kernels::attention([&*q?, &*k?, &*v?], b * heads, widths, precision);
        return fused::tensor(found, (b, heads, n, value_channels));
    }
    let scale = scale(q.dim(D::Minus1)?);
    softmax(&(q * scale)?.matmul(&k.t()?)?, D::Minus1)?.matmul(&v)
}

/// Attention of a map's tokens within windows, from the map of queries, keys and values.
///
/// A window that reaches over the map's edge sees there what zeros become, the projection's `bias`;
/// those tokens take part in the attention as the others do.
///
/// # Shapes
/// `qkv` (1, h, w, 3c), `bias` (3c): (1, h, w, c), or (1, h/2, w/2, c) with pooled queries
pub(crate) fn window_attention(
    qkv: &Tensor,
    bias: &Tensor,
    windows: Windows,
    precision: Precision,
) -> Result<Tensor> {
    let Windows { size, num_heads, q_pool } = windows;
    let (_, h, w, width) = qkv.dims4()?;
    let channels = width / 3;
    let shrink = if q_pool { 2 } else { 1 };
    if fused::applies(&[qkv, bias]) {
        let (numbers, beyond) = (fused::numbers(qkv)?, fused::numbers(bias)?);
        let map = QkvMap { numbers: &numbers, beyond: &beyond, size: [h, w] };
        let found = kernels::window_attention(map, windows, precision);
        return fused::tensor(found, (1, h / shrink, w / shrink, channels));
    }
    let (qkv, rows, columns, tall, wide) = if size == 0 {
        (qkv.clone(), 1, 1, h, w)
    } else {
        let (rows, columns) = (h.div_ceil(size), w.div_ceil(size));
        (pad(qkv, bias, rows * size, columns * size)?, rows, columns, size, size)
    };
    // (1, rows · tall, columns · wide, 3c) -> (windows, tall, wide, 3c)
    let qkv = qkv.reshape((rows, tall, columns, wide, width))?.transpose(1, 2)?.reshape((
        rows * columns,
        tall,
        wide,
        width,
    ))?;
    let split = |x: &Tensor| -> Result<Tensor> {
        let (b, h, w, _) = x.dims4()?;
        x.reshape((b, h * w, num_heads, channels / num_heads))?.transpose(1, 2)
    };
    let part = |i: usize| qkv.narrow(3, i * channels, channels)?.contiguous();
    let q = if q_pool { max_pool2(&part(0)?)? } else { part(0)? };
    let found = attention(&split(&q)?, &split(&part(1)?)?, &split(&part(2)?)?, precision)?;
    let (tall, wide) = (tall / shrink, wide / shrink);
    found
        .transpose(1, 2)?
        .reshape((rows, columns, tall, wide, channels))?
        .transpose(1, 2)?
        .reshape((1, rows * tall, columns * wide, channels))?
        .narrow(1, 0, h / shrink)?
        .narrow(2, 0, w / shrink)?
        .contiguous()
}

/// Widens a map to the right and below with copies of `pixel`.
fn pad(x: &Tensor, pixel: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (b, h, w, c) = x.dims4()?;
    let mut x = x.clone();
    if width > w {
        x = Tensor::cat(&[&x, &pixel.broadcast_as((b, h, width - w, c))?], 2)?;
    }
    if height > h {
        x = Tensor::cat(&[&x, &pixel.broadcast_as((b, height - h, width, c))?], 1)?;
    }
    Ok(x)
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
/// `x` (b, h, w, c), `taps` (k·k, c), `bias` (c)
pub(crate) fn depthwise_conv2d(x: &Tensor, taps: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, height, width, _) = x.dims4()?;
    let kernel = taps.dim(0)?.isqrt();
    let margin = kernel / 2;
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
