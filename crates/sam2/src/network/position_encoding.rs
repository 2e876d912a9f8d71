//! Where a token stands, as numbers: sines over the plane, over time, and rotations of channel pairs.
//!
//! Computed in f32 in the published order of operations: their rounding is part of every answer that
//! trained weights give, and the bfloat16 memories make small differences visible.

#![expect(clippy::cast_precision_loss, reason = "places and channels are small numbers")]

use std::f32::consts::TAU;

use candle_core::{D, Device, Result, Tensor};

use super::fused;
use super::loader::Loader;

/// Wavelengths grow from one period per picture by powers of this base.
const TEMPERATURE: f32 = 10_000.0;

/// The wavelength of channel `i` out of `count`; neighbours share one.
fn wavelength(i: usize, count: usize) -> f32 {
    TEMPERATURE.powf(2.0 * (i / 2) as f32 / count as f32)
}

/// Fixed sines and cosines of a token's row (first half of the channels) and column.
///
/// # Shapes
/// returns (1, h·w, `channels`)
///
/// # Source
/// `sam2/modeling/position_encoding.py`, `PositionEmbeddingSine.forward`, bowang-lab/MedSAM2 at
/// `332f30d`.
pub(crate) fn sine_encoding(
    h: usize,
    w: usize,
    channels: usize,
    device: &Device,
) -> Result<Tensor> {
    let half = channels / 2;
    let mut numbers = Vec::with_capacity(h * w * channels);
    for y in 0..h {
        for x in 0..w {
            for (place, count) in [(y, h), (x, w)] {
                let angle = (place + 1) as f32 / (count as f32 + 1e-6) * TAU;
                numbers.extend((0..half).map(|i| {
                    let phase = angle / wavelength(i, half);
                    if i % 2 == 0 { phase.sin() } else { phase.cos() }
                }));
            }
        }
    }
    Tensor::from_vec(numbers, (1, h * w, channels), device)
}

/// Fixed sines, then cosines, of distances in time.
///
/// # Shapes
/// returns (n, `channels`) for n distances
///
/// # Source
/// `sam2/modeling/sam2_utils.py`, `get_1d_sine_pe`, bowang-lab/MedSAM2 at `332f30d`.
pub(crate) fn time_encoding(distances: &[f32], channels: usize, device: &Device) -> Result<Tensor> {
    let half = channels / 2;
    let mut numbers = Vec::with_capacity(distances.len() * channels);
    for distance in distances {
        let phase = |i: usize| distance / wavelength(i, half);
        numbers.extend((0..half).map(|i| phase(i).sin()));
        numbers.extend((0..half).map(|i| phase(i).cos()));
    }
    Tensor::from_vec(numbers, (distances.len(), channels), device)
}

/// Encodes points by learned random frequencies.
///
/// # Source
/// `sam2/modeling/position_encoding.py`, `PositionEmbeddingRandom`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct PositionEmbeddingRandom {
    positional_encoding_gaussian_matrix: Tensor,
}

impl PositionEmbeddingRandom {
    pub(crate) fn load(channels: usize, loader: &Loader<'_>) -> Result<Self> {
        let name = "positional_encoding_gaussian_matrix";
        Ok(Self { positional_encoding_gaussian_matrix: loader.get((2, channels / 2), name)? })
    }

    /// Encodes points given as (x, y) between 0 and 1.
    ///
    /// # Shapes
    /// returns (1, n, c)
    pub(crate) fn encode(&self, points: &[[f32; 2]]) -> Result<Tensor> {
        let matrix = &self.positional_encoding_gaussian_matrix;
        let centred: Vec<f32> = points.iter().flatten().map(|it| 2.0 * it - 1.0).collect();
        let centred = Tensor::from_vec(centred, (points.len(), 2), matrix.device())?;
        let phase = (centred.matmul(matrix)? * f64::from(TAU))?;
        Tensor::cat(&[phase.sin()?, phase.cos()?], D::Minus1)?.unsqueeze(0)
    }

    /// Encodes the centres of a grid of `size` × `size` tokens.
    ///
    /// # Shapes
    /// returns (1, `size`·`size`, c)
    pub(crate) fn grid(&self, size: usize) -> Result<Tensor> {
        let place = |i: usize| (i as f32 + 0.5) / size as f32;
        let points: Vec<_> = (0..size * size).map(|i| [place(i % size), place(i / size)]).collect();
        self.encode(&points)
    }
}

/// Rotations of channel pairs by a token's column (first half of the pairs) and row.
///
/// # Source
/// `sam2/modeling/position_encoding.py`, `compute_axial_cis` and `apply_rotary_enc`,
/// bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct AxialRotation {
    /// (n, channels / 2, 1) each
    cosines: Tensor,
    sines: Tensor,
}

impl AxialRotation {
    /// Rotations for a grid of `size` × `size` tokens with `channels` channels per head.
    pub(crate) fn new(size: usize, channels: usize, theta: f32, device: &Device) -> Result<Self> {
        let quarter = channels / 4;
        let mut angles = Vec::with_capacity(size * size * channels / 2);
        for token in 0..size * size {
            for place in [token % size, token / size] {
                angles.extend(
                    (0..quarter).map(|i| {
                        place as f32 * (1.0 / theta.powf((4 * i) as f32 / channels as f32))
                    }),
                );
            }
        }
        let shape = (size * size, channels / 2, 1);
        let table = |f: fn(f32) -> f32| {
            let numbers: Vec<f32> = angles.iter().map(|it| f(*it)).collect();
            Tensor::from_vec(numbers, shape, device)
        };
        Ok(Self { cosines: table(f32::cos)?, sines: table(f32::sin)? })
    }

    /// Rotates the first `n_rotated` tokens; they are whole grids, one after the other.
    ///
    /// # Shapes
    /// `x` (b, heads, tokens, channels), as returned
    pub(crate) fn apply(&self, x: Tensor, n_rotated: usize) -> Result<Tensor> {
        let (b, heads, tokens, channels) = x.dims4()?;
        if n_rotated == 0 {
            return Ok(x);
        }
        if b * heads == 1 && fused::applies(&[&x, &self.cosines, &self.sines]) {
            // In place: `x` comes fresh from a projection.
            fused::rotate(&x, n_rotated, &self.cosines, &self.sines)?;
            return Ok(x);
        }
        let grid = self.cosines.dim(0)?;
        let pairs = (b * heads, n_rotated / grid, grid, channels / 2, 2);
        let moved = x.narrow(2, 0, n_rotated)?.contiguous()?.reshape(pairs)?;
        let real = moved.narrow(4, 0, 1)?;
        let imaginary = moved.narrow(4, 1, 1)?;
        let turned_real =
            (real.broadcast_mul(&self.cosines)? - imaginary.broadcast_mul(&self.sines)?)?;
        let turned_imaginary =
            (real.broadcast_mul(&self.sines)? + imaginary.broadcast_mul(&self.cosines)?)?;
        let turned = Tensor::cat(&[turned_real, turned_imaginary], 4)?
            .reshape((b, heads, n_rotated, channels))?;
        if n_rotated == tokens {
            return Ok(turned);
        }
        Tensor::cat(&[turned, x.narrow(2, n_rotated, tokens - n_rotated)?], 2)
    }
}
