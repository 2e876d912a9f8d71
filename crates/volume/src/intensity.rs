//! How an image's intensities are distributed.

use crate::{
    Volume, VoxelType,
    voxels::{Voxel, with_voxels},
};

/// Voxels looked at for the percentiles of types wider than 16 bits.
const MAX_SAMPLES: usize = 1 << 20;

/// The lowest value that a type of 8 or 16 bits can hold, and the number of values from there on.
const LOWEST: i32 = i16::MIN as i32;
const N_COUNTS: usize = 1 << 17;

/// The distribution of stored values, gathered part by part, and how they are scaled.
///
/// Exact for 8 and 16 bits; percentiles of wider types come from about a million voxels, evenly
/// spaced. NaN and infinities are left out.
#[derive(Debug, Clone)]
pub struct Distribution {
    slope: f64,
    intercept: f64,
    range: Option<[f64; 2]>,
    sample: Sample,
}

#[derive(Debug, Clone)]
enum Sample {
    /// How often each value from `LOWEST` on occurs.
    Counts(Vec<usize>),
    /// Every `step`-th value; `n_seen` came before.
    Values { values: Vec<f64>, step: usize, n_seen: usize },
}

impl Distribution {
    /// The distribution of no voxel yet, of `n_voxels` of that type that will come.
    #[must_use]
    pub fn new(voxel_type: VoxelType, n_voxels: usize, [slope, intercept]: [f64; 2]) -> Self {
        let sample = if is_counted(voxel_type) {
            Sample::Counts(vec![0; N_COUNTS])
        } else {
            // An odd step does not fall into step with even row lengths.
            let step = (n_voxels / MAX_SAMPLES) | 1;
            Sample::Values { values: Vec::new(), step, n_seen: 0 }
        };
        Self { slope, intercept, range: None, sample }
    }

    /// Adds the next voxels.
    pub fn add<T: Voxel>(&mut self, voxels: &[T]) {
        if let Some([low, high]) = range(voxels) {
            self.range = Some(match self.range {
                Some([lowest, highest]) => [lowest.min(low), highest.max(high)],
                None => [low, high],
            });
        }
        match &mut self.sample {
            Sample::Counts(counts) => {
                for voxel in voxels {
                    counts[count_index(*voxel)] += 1;
                }
            }
            Sample::Values { values, step, n_seen } => {
                let first = (*step - *n_seen % *step) % *step;
                let taken = voxels.iter().skip(first).step_by(*step).map(|it| it.to_f64());
                values.extend(taken.filter(|it| it.is_finite()));
                *n_seen += voxels.len();
            }
        }
    }

    /// Lowest and highest scaled value, both finite; `None` without any value.
    #[must_use]
    pub fn range(&self) -> Option<[f64; 2]> {
        self.range.map(|ends| scaled_range(ends, |it| self.scaled(it)))
    }

    /// Scaled values at the given percentages (0 to 100), by nearest rank, all finite; 0 without any
    /// value.
    #[must_use]
    pub fn percentiles(&self, percentages: &[f64]) -> Vec<f64> {
        let percentages =
            percentages.iter().map(|it| if self.slope < 0.0 { 100.0 - it } else { *it });
        match &self.sample {
            Sample::Counts(counts) => {
                let n = counts.iter().sum();
                percentages.map(|it| self.scaled_or_0(counted_at(counts, rank(it, n)))).collect()
            }
            Sample::Values { values, .. } => {
                let mut values = values.clone();
                percentages.map(|it| self.scaled_or_0(value_at(&mut values, it))).collect()
            }
        }
    }

    fn scaled(&self, stored: f64) -> f64 {
        finite(stored * self.slope + self.intercept)
    }

    fn scaled_or_0(&self, stored: Option<f64>) -> f64 {
        stored.map_or(0.0, |it| self.scaled(it))
    }
}

impl Volume {
    /// How the intensities are distributed.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        let scale = [self.slope, self.intercept];
        let voxel_type = self.voxels.voxel_type();
        let mut distribution = Distribution::new(voxel_type, self.voxels.len(), scale);
        with_voxels!(&self.voxels, it => distribution.add(it));
        distribution
    }

    /// As [`Distribution::range`].
    #[must_use]
    pub fn intensity_range(&self) -> Option<[f64; 2]> {
        let stored: Option<[f64; 2]> = with_voxels!(&self.voxels, it => range(it));
        stored.map(|ends| scaled_range(ends, |it| finite(self.scaled(it))))
    }

    /// As [`Distribution::percentiles`].
    #[must_use]
    pub fn percentiles(&self, percentages: &[f64]) -> Vec<f64> {
        self.distribution().percentiles(percentages)
    }
}

/// A scaled value that can be written as JSON: scaling the largest numbers makes infinities.
fn finite(scaled: f64) -> f64 {
    scaled.clamp(f64::MIN, f64::MAX)
}

/// Both ends of a range scaled; a falling scale swaps them.
fn scaled_range(ends: [f64; 2], scaled: impl Fn(f64) -> f64) -> [f64; 2] {
    let [a, b] = ends.map(scaled);
    [a.min(b), a.max(b)]
}

/// Whether each value is counted: types of 8 and 16 bits.
fn is_counted(voxel_type: VoxelType) -> bool {
    voxel_type.size() <= 2
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only called for types of 8 and 16 bits, which an i32 holds"
)]
fn count_index<T: Voxel>(voxel: T) -> usize {
    (voxel.to_f64() as i32 - LOWEST).unsigned_abs() as usize
}

fn range<T: Voxel>(voxels: &[T]) -> Option<[f64; 2]> {
    let is_finite = |it: &&T| it.to_f64().is_finite();
    let first = *voxels.iter().find(is_finite)?;
    let (mut low, mut high) = (first, first);
    for &voxel in voxels.iter().filter(is_finite) {
        low = if voxel < low { voxel } else { low };
        high = if voxel > high { voxel } else { high };
    }
    Some([low.to_f64(), high.to_f64()])
}

/// The zero-based rank of a percentage among `n` sorted values.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..n")]
fn rank(percentage: f64, n: usize) -> usize {
    let last = n.saturating_sub(1);
    ((percentage / 100.0).clamp(0.0, 1.0) * last as f64).round() as usize
}

fn counted_at(counts: &[usize], rank: usize) -> Option<f64> {
    let mut below = 0;
    (LOWEST..).zip(counts).find_map(|(value, &n)| {
        below += n;
        (below > rank).then_some(f64::from(value))
    })
}

fn value_at(values: &mut [f64], percentage: f64) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| *values.select_nth_unstable_by(rank(percentage, n), f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use crate::{Affine, Grid, SourceHeader, Volume, Voxels};

    fn volume(voxels: Voxels, slope: f64) -> Volume {
        let grid = Grid { shape: [voxels.len(), 1, 1], ras_from_voxel: Affine::IDENTITY };
        let header = SourceHeader::for_grid(&grid);
        Volume { grid, voxels, slope, intercept: 1.0, n_frames: 1, frame: 0, header }
    }

    #[test]
    fn percentiles_are_ranks_of_the_scaled_values() {
        let shuffled: Vec<i16> = (0..101).map(|it| (it * 37) % 101 - 50).collect();
        let floats = Voxels::F32(shuffled.iter().map(|&it| f32::from(it)).collect());
        for voxels in [Voxels::I16(shuffled), floats] {
            let rising = volume(voxels.clone(), 2.0);
            assert_eq!(rising.percentiles(&[0.0, 25.0, 50.0, 100.0]), [-99.0, -49.0, 1.0, 101.0]);
            assert_eq!(rising.intensity_range(), Some([-99.0, 101.0]));
            let falling = volume(voxels, -2.0);
            assert_eq!(falling.percentiles(&[0.0, 25.0, 100.0]), [-99.0, -49.0, 101.0]);
            assert_eq!(falling.intensity_range(), Some([-99.0, 101.0]));
        }
    }

    #[test]
    fn values_that_are_not_numbers_do_not_count() {
        let odd = volume(Voxels::F32(vec![f32::NAN, 3.0, f32::INFINITY, 5.0]), 1.0);
        assert_eq!(odd.intensity_range(), Some([4.0, 6.0]));
        assert_eq!(odd.percentiles(&[0.0, 100.0]), [4.0, 6.0]);
        let none = volume(Voxels::F64(vec![f64::NAN]), 1.0);
        assert_eq!(none.intensity_range(), None);
        assert_eq!(none.percentiles(&[50.0]), [0.0]);
    }
}
