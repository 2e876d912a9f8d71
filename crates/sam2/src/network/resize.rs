//! Resizing as `torch.nn.functional.interpolate` without aligned corners: a matrix per axis.
//!
//! Each output row is a weighted sum of few input rows; written as a matrix product, gradients flow
//! through it and every kind of resizing differs in its numbers only.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "sides of pictures are small; indices are clamped to the picture"
)]

use candle_core::{Device, Result, Tensor};

/// How output pixels weigh input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Linear between neighbours; skips pixels when shrinking.
    Bilinear,
    /// Linear, widened when shrinking so that every pixel counts.
    BilinearAntialias,
    /// Cubic with a = −0.75; skips pixels when shrinking.
    Bicubic,
}

/// Resizes the rows and columns of a stack of pictures.
///
/// # Shapes
/// `x` (n, h, w): (n, `height`, `width`)
///
/// # Source
/// `torch.nn.functional.interpolate` with `align_corners=False`.
pub(crate) fn resize(x: &Tensor, height: usize, width: usize, filter: Filter) -> Result<Tensor> {
    let (n, h, w) = x.dims3()?;
    let mut x = x.clone();
    if w != width {
        let columns = matrix(w, width, filter, x.device())?.t()?;
        x = x.contiguous()?.reshape((n * h, w))?.matmul(&columns)?.reshape((n, h, width))?;
    }
    if h != height {
        let rows = matrix(h, height, filter, x.device())?;
        x = rows.broadcast_left(n)?.contiguous()?.matmul(&x.contiguous()?)?;
    }
    Ok(x)
}

/// The weights of `from` input pixels in each of `to` output pixels, (to, from).
fn matrix(from: usize, to: usize, filter: Filter, device: &Device) -> Result<Tensor> {
    let mut weights = vec![0_f32; to * from];
    let scale = from as f64 / to as f64;
    for (out, row) in weights.chunks_exact_mut(from).enumerate() {
        let centre = scale * (out as f64 + 0.5);
        match filter {
            Filter::Bilinear => {
                let place = (centre - 0.5).max(0.0);
                let first = (place as usize).min(from - 1);
                let second = (first + 1).min(from - 1);
                let share = place - first as f64;
                row[first] += (1.0 - share) as f32;
                row[second] += share as f32;
            }
            Filter::BilinearAntialias => antialiased(row, centre, scale.max(1.0)),
            Filter::Bicubic => {
                let place = centre - 0.5;
                let first = place.floor();
                for offset in -1..=2 {
                    let at = (first as i64 + offset).clamp(0, from as i64 - 1) as usize;
                    row[at] += cubic(place - first - offset as f64) as f32;
                }
            }
        }
    }
    Tensor::from_vec(weights, (to, from), device)
}

/// A triangle around `centre` that reaches `reach` pixels to both sides, with sum 1.
fn antialiased(row: &mut [f32], centre: f64, reach: f64) {
    let first = (centre - reach + 0.5).max(0.0) as usize;
    let end = ((centre + reach + 0.5) as usize).min(row.len());
    let weight = |at: usize| (1.0 - ((at as f64 + 0.5 - centre) / reach).abs()).max(0.0);
    let sum: f64 = (first..end).map(weight).sum();
    for (at, cell) in row.iter_mut().enumerate().take(end).skip(first) {
        *cell = (weight(at) / sum) as f32;
    }
}

/// The cubic convolution kernel.
fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.75;
    let x = distance.abs();
    if x <= 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    } else {
        0.0
    }
}
