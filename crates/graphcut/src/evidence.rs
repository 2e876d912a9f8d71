//! What a slice of the image says about an outline on it: edges under the outline and the
//! log-likelihood ratio inside.

use crate::{
    field::{Field, sample},
    number::{narrow, place_below, quantile},
};

/// Voxels within which an edge has one crest.
const CREST_REACH: usize = 2;
/// How sharply support falls beside the crest.
const CREST: i32 = 2;

/// Evidence maps of one slice.
pub(crate) struct SliceEvidence {
    pub(crate) shape: [usize; 2],
    /// Direction of the gradient along x and y; its squared length is the support of an edge.
    support: [Vec<f32>; 2],
    /// Ratios summed along each row, `width + 1` entries a row.
    row_sums: Vec<f32>,
    /// Ratios summed along each column, `height + 1` entries a column.
    column_sums: Vec<f32>,
}

impl SliceEvidence {
    /// From a smoothed slice, its log-likelihood ratios, voxel spacing, and the gradient in
    /// millimetres that counts as an edge.
    pub(crate) fn new(
        smooth: &[f32],
        ratio: &[f32],
        [width, height]: [usize; 2],
        spacing_mm: [f64; 2],
        edge: f32,
    ) -> Self {
        let mut support = derivatives(smooth, [width, height], spacing_mm);
        let [along_x, along_y] = &mut support;
        let steepness: Vec<f32> =
            along_x.iter().zip(along_y.iter()).map(|(x, y)| x.hypot(*y)).collect();
        let steepest = local_maxima(&steepness, [width, height]);
        for (at, &steep) in steepness.iter().enumerate() {
            // Only the crest of a blurred edge supports an outline, however steep its flanks.
            let crest = (steep / steepest[at].max(f32::MIN_POSITIVE)).powi(CREST);
            let strength = (1.0 - (-(steep / edge).powi(2)).exp()) * crest;
            let scale = strength.sqrt() / steep.max(f32::MIN_POSITIVE);
            along_x[at] *= scale;
            along_y[at] *= scale;
        }
        let mut row_sums = Vec::with_capacity((width + 1) * height);
        for y in 0..height {
            push_sums(&mut row_sums, (0..width).map(|x| ratio[x + y * width]));
        }
        let mut column_sums = Vec::with_capacity((height + 1) * width);
        for x in 0..width {
            push_sums(&mut column_sums, (0..height).map(|y| ratio[x + y * width]));
        }
        Self { shape: [width, height], support, row_sums, column_sums }
    }

    /// Support of an outline at a place with the given normal, 0 to 1; none beyond the slice.
    pub(crate) fn edge(&self, [x, y]: [f64; 2], normal: [f32; 2]) -> f64 {
        let [width, height] = self.shape;
        if x < 0.0 || y < 0.0 || x > width as f64 - 1.0 || y > height as f64 - 1.0 {
            return 0.0;
        }
        let across = sample(&self.support[0], self.shape, x, y) * normal[0]
            + sample(&self.support[1], self.shape, x, y) * normal[1];
        f64::from(across * across)
    }

    /// Sum of the ratios of row `y` over voxels `from..to`.
    pub(crate) fn row(&self, y: usize, from: usize, to: usize) -> f64 {
        let row = y * (self.shape[0] + 1);
        f64::from(self.row_sums[row + to] - self.row_sums[row + from])
    }

    /// Integral of the ratios from the left border to `x` on the row under `y`.
    pub(crate) fn left_of(&self, x: f64, y: f64) -> f64 {
        integral(&self.row_sums, self.shape[0], x, place_below((y + 0.5).floor(), self.shape[1]))
    }

    /// Integral of the ratios from the upper border to `y` on the column under `x`.
    pub(crate) fn above(&self, x: f64, y: f64) -> f64 {
        let column = place_below((x + 0.5).floor(), self.shape[0]);
        integral(&self.column_sums, self.shape[1], y, column)
    }
}

/// The largest value within two voxels along either axis.
fn local_maxima(values: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let spread = |values: &[f32], n: usize, step: usize| -> Vec<f32> {
        (0..values.len())
            .map(|at| {
                let place = at / step % n;
                let first = at - CREST_REACH.min(place) * step;
                let last = at + CREST_REACH.min(n - 1 - place) * step;
                (first..=last).step_by(step).map(|it| values[it]).fold(0.0, f32::max)
            })
            .collect()
    };
    let rows = spread(values, width, 1);
    spread(&rows, height, width)
}

fn push_sums(sums: &mut Vec<f32>, values: impl Iterator<Item = f32>) {
    let mut sum = 0.0;
    sums.push(sum);
    for value in values {
        sum += value;
        sums.push(sum);
    }
}

/// Voxel centres lie at whole numbers, so the integral starts at -0.5.
fn integral(sums: &[f32], n: usize, to: f64, line: usize) -> f64 {
    let to = (to + 0.5).clamp(0.0, n as f64);
    let whole = place_below(to, n);
    let at = line * (n + 1) + whole;
    let part = narrow(to - whole as f64);
    f64::from(sums[at] * (1.0 - part) + sums[at + 1] * part)
}

fn derivatives(values: &[f32], [width, height]: [usize; 2], spacing_mm: [f64; 2]) -> [Vec<f32>; 2] {
    let (mut along_x, mut along_y) = (Vec::new(), Vec::new());
    let scale = spacing_mm.map(|it| narrow(0.5 / it));
    for y in 0..height {
        for x in 0..width {
            let value = |x: usize, y: usize| values[x + y * width];
            let right = value((x + 1).min(width - 1), y);
            along_x.push((right - value(x.saturating_sub(1), y)) * scale[0]);
            let below = value(x, (y + 1).min(height - 1));
            along_y.push((below - value(x, y.saturating_sub(1))) * scale[1]);
        }
    }
    [along_x, along_y]
}

/// How far each voxel's intensity can be trusted to be that of one tissue: 1 where the slice is
/// flat, a half where its gradient is `steep`, less on edges, where scanners mix both sides.
pub(crate) fn flatness(smooth: &Field, steep: f32) -> Vec<f32> {
    let [width, height, _] = smooth.shape;
    let spacing = [smooth.spacing_mm[0], smooth.spacing_mm[1]];
    let [along_x, along_y] = derivatives(&smooth.values, [width, height], spacing);
    let gradients = along_x.iter().zip(&along_y).map(|(x, y)| x.hypot(*y));
    gradients.map(|it| 1.0 / (1.0 + (it / steep).powi(2))).collect()
}

/// Half the slice's gradients where `inside` are smaller than this, in intensity per millimetre:
/// the noise above which an edge counts.
pub(crate) fn edge_noise(smooth: &Field, slice: usize, inside: impl Fn(usize) -> bool) -> f32 {
    let [width, height, _] = smooth.shape;
    let plane = &smooth.values[slice * smooth.plane()..(slice + 1) * smooth.plane()];
    let spacing = [smooth.spacing_mm[0], smooth.spacing_mm[1]];
    let [along_x, along_y] = derivatives(plane, [width, height], spacing);
    let mut lengths: Vec<f32> = (0..plane.len())
        .filter(|&at| inside(at))
        .map(|at| along_x[at].hypot(along_y[at]))
        .collect();
    floor_noise(quantile(&mut lengths, 0.5), plane)
}

/// Half the differences between neighbours of the slice where `inside` are smaller than this.
pub(crate) fn difference_noise(fine: &Field, slice: usize, inside: impl Fn(usize) -> bool) -> f32 {
    let [width, height, _] = fine.shape;
    let plane = &fine.values[slice * fine.plane()..(slice + 1) * fine.plane()];
    let mut differences = Vec::new();
    for at in (0..plane.len()).filter(|&at| inside(at)) {
        if at % width + 1 < width && inside(at + 1) {
            differences.push((plane[at + 1] - plane[at]).abs());
        }
        if at / width + 1 < height && inside(at + width) {
            differences.push((plane[at + width] - plane[at]).abs());
        }
    }
    floor_noise(quantile(&mut differences, 0.5), plane)
}

/// Images without noise still need a scale: a thousandth of their range, or anything at all.
fn floor_noise(noise: Option<f32>, plane: &[f32]) -> f32 {
    let low = plane.iter().copied().fold(f32::INFINITY, f32::min);
    let high = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    noise.unwrap_or(0.0).max((high - low) * 1e-3).max(1e-12)
}
