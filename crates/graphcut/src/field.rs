//! A cropped image: smoothing, derivatives, sampling, turning.

use crate::number::{narrow, place_below, quantile};

/// Intensities beyond this are held here, so that sums and squares stay finite.
const LARGEST: f32 = 1e15;

/// A cropped image, first axis fastest. A slice has `shape[2] == 1`.
#[derive(Debug, Clone)]
pub struct Field {
    /// Voxels along each axis.
    pub shape: [usize; 3],
    /// Distance between voxel centres along each axis.
    pub spacing_mm: [f64; 3],
    /// Intensities.
    pub values: Vec<f32>,
}

impl Field {
    /// Steps in `values` between neighbours along each axis.
    #[must_use]
    pub fn strides(&self) -> [usize; 3] {
        strides(self.shape)
    }

    /// Voxels of one slice along the last axis.
    #[must_use]
    pub fn plane(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    /// The smallest voxel spacing among axes with more than one voxel.
    #[must_use]
    pub fn finest_mm(&self) -> f64 {
        (0..3)
            .filter(|&axis| self.shape[axis] > 1)
            .map(|axis| self.spacing_mm[axis])
            .fold(f64::INFINITY, f64::min)
            .min(1e6)
    }

    /// Puts the median of the finite voxels where a voxel is not a finite number.
    pub fn replace_non_finite(&mut self) {
        if !self.values.iter().all(|it| it.is_finite()) {
            let mut finite: Vec<f32> =
                self.values.iter().copied().filter(|it| it.is_finite()).collect();
            let median = quantile(&mut finite, 0.5).unwrap_or(0.0);
            for value in &mut self.values {
                if !value.is_finite() {
                    *value = median;
                }
            }
        }
        for value in &mut self.values {
            *value = value.clamp(-LARGEST, LARGEST);
        }
    }

    /// Convolves with a Gaussian whose width is `sigma` times the finest spacing, on every axis.
    #[must_use]
    pub fn smoothed(&self, sigma: f64) -> Self {
        let finest = self.finest_mm();
        self.smoothed_by(self.spacing_mm.map(|spacing| sigma * finest / spacing))
    }

    /// Convolves with a Gaussian of the given widths in voxels; narrow ones leave an axis as it is.
    #[must_use]
    pub fn smoothed_by(&self, sigma_voxels: [f64; 3]) -> Self {
        let mut values = self.values.clone();
        for (axis, sigma) in sigma_voxels.into_iter().enumerate() {
            if sigma > 0.25 && self.shape[axis] > 1 {
                values = convolve_axis(&values, self.shape, axis, &gaussian_kernel(sigma));
            }
        }
        Self { shape: self.shape, spacing_mm: self.spacing_mm, values }
    }

    /// The field with its axes in another order: axis `n` of the result is axis `axes[n]`.
    #[must_use]
    pub fn permuted(&self, axes: [usize; 3]) -> Self {
        Self {
            shape: axes.map(|it| self.shape[it]),
            spacing_mm: axes.map(|it| self.spacing_mm[it]),
            values: permute(&self.values, self.shape, axes),
        }
    }

    /// The mean of blocks of `factors` voxels; blocks at the far border may be smaller.
    #[must_use]
    pub fn block_means(&self, factors: [usize; 3]) -> Self {
        let shape = [0, 1, 2].map(|axis| self.shape[axis].div_ceil(factors[axis]));
        let mut sums = vec![0.0f32; shape.iter().product()];
        let mut counts = vec![0.0f32; sums.len()];
        let [ni, nj, _] = self.shape;
        for (at, &value) in self.values.iter().enumerate() {
            let [i, j, k] = [at % ni, at / ni % nj, at / (ni * nj)];
            let block = i / factors[0] + shape[0] * (j / factors[1] + shape[1] * (k / factors[2]));
            sums[block] += value;
            counts[block] += 1.0;
        }
        for (sum, count) in sums.iter_mut().zip(&counts) {
            *sum /= count;
        }
        let spacing_mm = [0, 1, 2].map(|axis| self.spacing_mm[axis] * factors[axis] as f64);
        Self { shape, spacing_mm, values: sums }
    }

    /// Linear interpolation in a slice. Beyond the border the value falls by the distance in
    /// millimetres, as a signed distance does.
    #[must_use]
    pub fn distance_at(&self, x: f64, y: f64) -> f32 {
        let [width, height, _] = self.shape;
        let held_x = x.clamp(0.0, width as f64 - 1.0);
        let held_y = y.clamp(0.0, height as f64 - 1.0);
        let beyond = ((x - held_x) * self.spacing_mm[0]).hypot((y - held_y) * self.spacing_mm[1]);
        sample(&self.values, [width, height], held_x, held_y) - narrow(beyond)
    }
}

/// Steps between neighbours in an array of the given shape, first axis fastest.
#[must_use]
pub fn strides(shape: [usize; 3]) -> [usize; 3] {
    [1, shape[0], shape[0] * shape[1]]
}

/// An array with its axes in another order: axis `n` of the result is axis `axes[n]`.
#[must_use]
pub fn permute<T: Copy>(values: &[T], shape: [usize; 3], axes: [usize; 3]) -> Vec<T> {
    if axes == [0, 1, 2] {
        return values.to_vec();
    }
    let steps = axes.map(|it| strides(shape)[it]);
    let [ni, nj, nk] = axes.map(|it| shape[it]);
    let mut out = Vec::with_capacity(values.len());
    for k in 0..nk {
        for j in 0..nj {
            out.extend((0..ni).map(|i| values[i * steps[0] + j * steps[1] + k * steps[2]]));
        }
    }
    out
}

/// The order of axes that undoes [`permute`].
#[must_use]
pub fn inverse_order(axes: [usize; 3]) -> [usize; 3] {
    let mut inverse = [0; 3];
    for (to, from) in axes.into_iter().enumerate() {
        inverse[from] = to;
    }
    inverse
}

/// The two axes besides the given one, ascending.
#[must_use]
pub fn other_axes(axis: usize) -> [usize; 2] {
    match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}

/// Linear interpolation in a slice; the place must lie on it.
pub(crate) fn sample(values: &[f32], [width, height]: [usize; 2], x: f64, y: f64) -> f32 {
    let (i, j) = (place_below(x, width), place_below(y, height));
    let (f, g) = (narrow(x - i as f64), narrow(y - j as f64));
    let right = usize::from(i + 1 < width);
    let below = if j + 1 < height { width } else { 0 };
    let at = i + j * width;
    let top = values[at] * (1.0 - f) + values[at + right] * f;
    let bottom = values[at + below] * (1.0 - f) + values[at + below + right] * f;
    top * (1.0 - g) + bottom * g
}

/// The first voxel of every line along an axis.
pub(crate) fn line_starts(shape: [usize; 3], axis: usize) -> impl Iterator<Item = usize> {
    let [a, b] = other_axes(axis);
    let steps = strides(shape);
    (0..shape[b]).flat_map(move |v| (0..shape[a]).map(move |u| u * steps[a] + v * steps[b]))
}

/// One half of a normalised Gaussian, centre first.
fn gaussian_kernel(sigma: f64) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil().clamp(1.0, 64.0);
    let mut kernel = Vec::new();
    let mut offset = 0.0;
    while offset <= radius {
        kernel.push((-offset * offset / (2.0 * sigma * sigma)).exp());
        offset += 1.0;
    }
    let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
    kernel.iter().map(|it| narrow(it / sum)).collect()
}

/// Convolves along one axis with a symmetric kernel; the border voxel is repeated outwards.
fn convolve_axis(values: &[f32], shape: [usize; 3], axis: usize, kernel: &[f32]) -> Vec<f32> {
    let (n, stride) = (shape[axis], strides(shape)[axis]);
    let mut out = vec![0.0; values.len()];
    let mut line = vec![0.0f32; n];
    for start in line_starts(shape, axis) {
        for (at, it) in line.iter_mut().enumerate() {
            *it = values[start + at * stride];
        }
        for at in 0..n {
            let mut sum = line[at] * kernel[0];
            for (offset, weight) in kernel.iter().enumerate().skip(1) {
                let before = line[at.saturating_sub(offset)];
                let after = line[(at + offset).min(n - 1)];
                sum += weight * (before + after);
            }
            out[start + at * stride] = sum;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(shape: [usize; 3]) -> Field {
        let n = shape.iter().product();
        let values = (0..n).map(|it| narrow(it as f64 % 17.0)).collect();
        Field { shape, spacing_mm: [1.0, 2.0, 3.0], values }
    }

    #[test]
    fn permuting_back_restores_the_field() {
        let field = ramp([3, 4, 5]);
        for axes in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 2, 1]] {
            let back = field.permuted(axes).permuted(inverse_order(axes));
            assert_eq!(back.values, field.values);
            assert_eq!(back.shape, field.shape);
        }
    }

    #[test]
    fn smoothing_keeps_a_constant_and_spares_thick_axes() {
        let mut field = ramp([9, 9, 3]);
        field.spacing_mm = [1.0, 1.0, 10.0];
        field.values.fill(7.0);
        assert!(field.smoothed(2.0).values.iter().all(|it| (it - 7.0).abs() < 1e-4));
        field.values[4 + 9 * 4 + 81] = 100.0;
        let smooth = field.smoothed(2.0);
        assert!(smooth.values[..81].iter().all(|it| (it - 7.0).abs() < 1e-4));
    }

    #[test]
    fn odd_voxels_become_finite() {
        let mut field = ramp([4, 1, 1]);
        field.values = vec![f32::NAN, 5.0, f32::INFINITY, f32::MAX];
        field.replace_non_finite();
        assert!(field.values.iter().all(|it| it.abs() <= LARGEST), "{:?}", field.values);
    }
}
