//! How a volume's intensities are distributed.

use crate::{
    Volume, Voxels,
    voxels::{Voxel, with_voxels},
};

/// Voxels looked at for the percentiles of types wider than 16 bits.
const MAX_SAMPLES: usize = 1 << 20;

impl Volume {
    /// Lowest and highest scaled value; NaN and infinities are left out. `None` without any value.
    #[must_use]
    pub fn intensity_range(&self) -> Option<[f64; 2]> {
        let stored: Option<[f64; 2]> = with_voxels!(&self.voxels, it => range(it));
        stored.map(|ends| {
            let [a, b] = ends.map(|it| self.scaled(it));
            [a.min(b), a.max(b)]
        })
    }

    /// Scaled values at the given percentages (0 to 100), by nearest rank.
    ///
    /// Exact for 8 and 16 bits; for wider types from about a million voxels, evenly spaced. NaN and
    /// infinities are left out; without any value, all answers are 0.
    #[must_use]
    pub fn percentiles(&self, percentages: &[f64]) -> Vec<f64> {
        let percentages: Vec<f64> = match self.slope < 0.0 {
            true => percentages.iter().map(|it| 100.0 - it).collect(),
            false => percentages.to_vec(),
        };
        let stored = match &self.voxels {
            Voxels::I8(it) => counted(it, |v| i32::from(*v), &percentages),
            Voxels::U8(it) => counted(it, |v| i32::from(*v), &percentages),
            Voxels::I16(it) => counted(it, |v| i32::from(*v), &percentages),
            Voxels::U16(it) => counted(it, |v| i32::from(*v), &percentages),
            Voxels::I32(it) => sampled(it, &percentages),
            Voxels::U32(it) => sampled(it, &percentages),
            Voxels::I64(it) => sampled(it, &percentages),
            Voxels::U64(it) => sampled(it, &percentages),
            Voxels::F32(it) => sampled(it, &percentages),
            Voxels::F64(it) => sampled(it, &percentages),
        };
        stored
            .into_iter()
            .map(|it| it.map_or(0.0, |value| self.scaled(value)))
            .collect()
    }
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
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..n"
)]
fn rank(percentage: f64, n: usize) -> usize {
    let last = n.saturating_sub(1);
    ((percentage / 100.0).clamp(0.0, 1.0) * last as f64).round() as usize
}

fn counted<T>(voxels: &[T], value: impl Fn(&T) -> i32, percentages: &[f64]) -> Vec<Option<f64>> {
    const LOWEST: i32 = i16::MIN as i32;
    let mut counts = vec![0_usize; (i32::from(u16::MAX) - LOWEST + 1).unsigned_abs() as usize];
    for voxel in voxels {
        counts[(value(voxel) - LOWEST).unsigned_abs() as usize] += 1;
    }
    let at_rank = |rank: usize| {
        let mut below = 0;
        (LOWEST..).zip(&counts).find_map(|(value, &n)| {
            below += n;
            (below > rank).then_some(f64::from(value))
        })
    };
    percentages
        .iter()
        .map(|&it| at_rank(rank(it, voxels.len())))
        .collect()
}

fn sampled<T: Voxel>(voxels: &[T], percentages: &[f64]) -> Vec<Option<f64>> {
    // An odd step does not fall into step with even row lengths.
    let step = (voxels.len() / MAX_SAMPLES) | 1;
    let mut values: Vec<f64> = voxels
        .iter()
        .step_by(step)
        .map(|it| it.to_f64())
        .filter(|it| it.is_finite())
        .collect();
    let n = values.len();
    percentages
        .iter()
        .map(|&it| (n > 0).then(|| *values.select_nth_unstable_by(rank(it, n), f64::total_cmp).1))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{Affine, Grid, SourceHeader, Volume, Voxels};

    fn volume(voxels: Voxels, slope: f64) -> Volume {
        let grid = Grid {
            shape: [voxels.len(), 1, 1],
            ras_from_voxel: Affine::IDENTITY,
        };
        let header = SourceHeader::for_grid(&grid);
        Volume {
            grid,
            voxels,
            slope,
            intercept: 1.0,
            n_frames: 1,
            frame: 0,
            header,
        }
    }

    #[test]
    fn percentiles_are_ranks_of_the_scaled_values() {
        let shuffled: Vec<i16> = (0..101).map(|it| (it * 37) % 101 - 50).collect();
        let floats = Voxels::F32(shuffled.iter().map(|&it| f32::from(it)).collect());
        for voxels in [Voxels::I16(shuffled), floats] {
            let rising = volume(voxels.clone(), 2.0);
            assert_eq!(
                rising.percentiles(&[0.0, 25.0, 50.0, 100.0]),
                [-99.0, -49.0, 1.0, 101.0]
            );
            assert_eq!(rising.intensity_range(), Some([-99.0, 101.0]));
            let falling = volume(voxels, -2.0);
            assert_eq!(
                falling.percentiles(&[0.0, 25.0, 100.0]),
                [-99.0, -49.0, 101.0]
            );
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
