//! Convolutions on maps with channels last.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::linear::{Around, Linear, rows_per_task};
use crate::scratch::with_scratch;

/// Pixels of the result that one task takes at most.
const MOST_PIXELS: usize = 192;

/// Kernel side, stride and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Side of the kernel.
    pub kernel: usize,
    /// Pixels from one place of the kernel to the next.
    pub stride: usize,
    /// Zeros around the map.
    pub padding: usize,
}

/// A convolution, as a linear layer on what the kernel sees.
///
/// # Shapes
/// `x` (h, w, i) with `size` [h, w], `layer` (k·k·i, o): (h', w', o) and [h', w']
///
/// # Panics
/// If layer and map do not fit together.
#[must_use]
pub fn convolve(
    x: &[f32],
    size: [usize; 2],
    layer: &Linear,
    shape: ConvShape,
) -> (Vec<f32>, [usize; 2]) {
    let ConvShape { kernel, stride, padding } = shape;
    let (seen, outputs) = layer.dims();
    let channels = seen / (kernel * kernel);
    assert_eq!(x.len(), size[0] * size[1] * channels, "a map that does not fit its layer");
    let [rows, columns] = size.map(|it| (it + 2 * padding).saturating_sub(kernel) / stride + 1);
    let mut out = vec![0_f32; rows * columns * outputs];
    let block = rows_per_task(rows * columns, MOST_PIXELS, seen * outputs);
    out.par_chunks_mut(block * outputs).enumerate().for_each(|(i, out)| {
        let n_pixels = out.len() / outputs;
        with_scratch(n_pixels * seen, |gathered: &mut [f32]| {
            let pixels = gathered.chunks_exact_mut(seen).zip(i * block..);
            for (gathered, pixel) in pixels {
                let map = Map { x, size, channels };
                map.gather(gathered, [pixel / columns * stride, pixel % columns * stride], shape);
            }
            layer.block(out, gathered, Around::default());
        });
    });
    (out, [rows, columns])
}

struct Map<'a> {
    x: &'a [f32],
    size: [usize; 2],
    channels: usize,
}

impl Map<'_> {
    /// What a kernel sees whose first pixel stands at `corner` of the padded map.
    fn gather(&self, gathered: &mut [f32], corner: [usize; 2], shape: ConvShape) {
        let ConvShape { kernel, padding, .. } = shape;
        let [height, width] = self.size;
        let channels = self.channels;
        // Columns of the kernel that lie on the map.
        let first = padding.saturating_sub(corner[1]).min(kernel);
        let end = (width + padding).saturating_sub(corner[1]).clamp(first, kernel);
        for (dy, row) in gathered.chunks_exact_mut(kernel * channels).enumerate() {
            let y = (corner[0] + dy).checked_sub(padding).filter(|it| *it < height);
            let Some(y) = y else {
                row.fill(0.0);
                continue;
            };
            row[..first * channels].fill(0.0);
            row[end * channels..].fill(0.0);
            if first < end {
                let from = (y * width + corner[1] + first - padding) * channels;
                let length = (end - first) * channels;
                row[first * channels..end * channels].copy_from_slice(&self.x[from..from + length]);
            }
        }
    }
}

/// A convolution of each channel by itself, which keeps the map's size.
///
/// # Shapes
/// `x` (h, w, c) with `size` [h, w], `taps` (k·k, c), `bias` (c): (h, w, c)
#[must_use]
pub fn depthwise(x: &[f32], size: [usize; 2], taps: &[f32], bias: &[f32]) -> Vec<f32> {
    let row_length = size[1] * bias.len();
    let kernel = (taps.len() / bias.len()).isqrt();
    let mut convolved = vec![0_f32; x.len()];
    convolved.par_chunks_mut(row_length).enumerate().for_each(|(row, out)| {
        Arch::new().dispatch(ConvolveRow { out, x, taps, bias, row, kernel });
    });
    convolved
}

struct ConvolveRow<'a> {
    out: &'a mut [f32],
    /// The whole map.
    x: &'a [f32],
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
            if let Some(x) = self.x.get(at * length..(at + 1) * length) {
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
