//! What an object's voxels hold: mean, standard deviation, range and median.

use super::Part;
use crate::{
    Volume,
    voxels::{Voxel, with_voxels},
};

/// Scaled values of an object's voxels. NaN and infinities are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intensities {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample (n − 1); 0 of a single voxel.
    pub sd: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Median; of an even number the mean of the two in the middle.
    pub median: f64,
}

/// The lowest value that a type of 8 or 16 bits can hold, and the number of values from there on.
const LOWEST: i32 = i16::MIN as i32;
const N_COUNTS: usize = 1 << 17;

/// The intensities of an object; `None` where no voxel holds a finite number.
///
/// # Panics
/// If the object lies outside the volume.
#[must_use]
pub fn intensities(volume: &Volume, part: &Part) -> Option<Intensities> {
    let shape = volume.grid.shape;
    let stored = with_voxels!(&volume.voxels, it => stored(it, shape, part))?;
    // Scaling the largest numbers makes infinities, which JSON cannot hold.
    let finite = |it: f64| it.clamp(f64::MIN, f64::MAX);
    let scaled = |it: f64| finite(volume.scaled(it));
    let (a, b) = (scaled(stored.min), scaled(stored.max));
    Some(Intensities {
        mean: scaled(stored.mean),
        sd: finite(stored.sd * volume.slope.abs()),
        min: a.min(b),
        max: a.max(b),
        median: scaled(stored.median),
    })
}

fn stored<T: Voxel>(voxels: &[T], shape: [usize; 3], part: &Part) -> Option<Intensities> {
    if T::TYPE.size() > 2 {
        let mut values = Vec::new();
        for_each(voxels, shape, part, |it| {
            let value = it.to_f64();
            if value.is_finite() {
                values.push(value);
            }
        });
        return of_values(values);
    }
    let mut counts = vec![0_usize; N_COUNTS];
    for_each(voxels, shape, part, |it| counts[count_index(it)] += 1);
    of_counts(&counts)
}

fn for_each<T: Voxel>(voxels: &[T], shape: [usize; 3], part: &Part, mut visit: impl FnMut(T)) {
    let [ni, nj, _] = part.mask.shape;
    for (row, mask) in part.mask.voxels.chunks_exact(ni).enumerate() {
        let (j, k) = (part.origin[1] + row % nj, part.origin[2] + row / nj);
        let start = part.origin[0] + shape[0] * (j + shape[1] * k);
        for (&voxel, &is_inside) in voxels[start..start + ni].iter().zip(mask) {
            if is_inside != 0 {
                visit(voxel);
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only called for types of 8 and 16 bits, which an i32 holds"
)]
fn count_index<T: Voxel>(voxel: T) -> usize {
    (voxel.to_f64() as i32 - LOWEST).unsigned_abs() as usize
}

fn of_counts(counts: &[usize]) -> Option<Intensities> {
    let first = counts.iter().position(|it| *it > 0)?;
    let last = counts.iter().rposition(|it| *it > 0)?;
    let value = |at: usize| at as f64 + f64::from(LOWEST);
    let counted = || (first..=last).map(|it| (value(it), counts[it] as f64));
    let n: usize = counts.iter().sum();
    let mean = counted().map(|(value, count)| value * count).sum::<f64>() / n as f64;
    let squares: f64 =
        counted().map(|(value, count)| count * (value - mean) * (value - mean)).sum();
    let at_rank = |rank: usize| {
        let mut below = 0;
        let at = counts.iter().position(|it| {
            below += it;
            below > rank
        });
        value(at.unwrap_or(last))
    };
    Some(Intensities {
        mean,
        sd: deviation(squares, n),
        min: value(first),
        max: value(last),
        median: f64::midpoint(at_rank((n - 1) / 2), at_rank(n / 2)),
    })
}

fn of_values(mut values: Vec<f64>) -> Option<Intensities> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    // Divided before they are added: the sum of the largest numbers would be infinite.
    let mean: f64 = values.iter().map(|it| it / n as f64).sum();
    let squares: f64 = values.iter().map(|it| (it - mean) * (it - mean)).sum();
    let (low, upper, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    let upper = *upper;
    let largest_below = low.iter().copied().reduce(f64::max);
    let lower = if n % 2 == 1 { upper } else { largest_below.unwrap_or(upper) };
    Some(Intensities {
        mean,
        sd: deviation(squares, n),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        median: f64::midpoint(lower, upper),
    })
}

fn deviation(squares: f64, n: usize) -> f64 {
    if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{Part, intensities};
    use crate::{Affine, Grid, Labelmap, SourceHeader, Volume, Voxels};

    fn of(voxels: Voxels, slope: f64) -> Volume {
        let grid = Grid { shape: [voxels.len(), 1, 1], ras_from_voxel: Affine::IDENTITY };
        let header = SourceHeader::for_grid(&grid);
        Volume { grid, voxels, slope, intercept: 1.0, n_frames: 1, frame: 0, header }
    }

    #[test]
    fn all_types_agree_and_the_scale_is_applied() {
        // 2, 4, 4, 10: mean 5, squares 9 + 1 + 1 + 25 = 36, sd √12, median 4.
        let (inside, values) = ([0, 1, 1, 1, 1, 0], [99_i16, 10, 4, 2, 4, -99]);
        let mask = Labelmap { shape: [6, 1, 1], voxels: inside.to_vec() };
        let part = Part { origin: [0; 3], mask };
        let floats = Voxels::F32(values.iter().map(|it| f32::from(*it)).collect());
        for voxels in [Voxels::I16(values.to_vec()), floats] {
            let rising = intensities(&of(voxels.clone(), 2.0), &part).unwrap();
            assert_eq!(
                [rising.mean, rising.min, rising.max, rising.median],
                [11.0, 5.0, 21.0, 9.0]
            );
            assert!((rising.sd - 2.0 * 12.0_f64.sqrt()).abs() < 1e-12);
            let falling = intensities(&of(voxels, -2.0), &part).unwrap();
            assert_eq!([falling.mean, falling.min, falling.max], [-9.0, -19.0, -3.0]);
            assert_eq!(falling.sd, rising.sd);
        }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let mask = Labelmap { shape: [4, 1, 1], voxels: vec![1; 4] };
        let part = Part { origin: [0; 3], mask };
        for voxels in [Voxels::U8(vec![7, 1, 2, 4]), Voxels::F64(vec![7.0, 1.0, 2.0, 4.0])] {
            assert_eq!(intensities(&of(voxels, 1.0), &part).unwrap().median, 4.0);
        }
    }

    #[test]
    fn what_is_no_number_does_not_count() {
        let mask = Labelmap { shape: [3, 1, 1], voxels: vec![1; 3] };
        let part = Part { origin: [0; 3], mask };
        let odd = of(Voxels::F32(vec![f32::NAN, 3.0, f32::INFINITY]), 1.0);
        let found = intensities(&odd, &part).unwrap();
        assert_eq!([found.mean, found.sd, found.median], [4.0, 0.0, 4.0]);
        let none = of(Voxels::F64(vec![f64::NAN; 3]), 1.0);
        assert_eq!(intensities(&none, &part), None);
    }
}
