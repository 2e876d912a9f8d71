//! What object and background look like: joint histograms of the intensity at two scales. The
//! coarse scale tells a texture from another of the same mean and outvotes noise.

use crate::{
    field::Field,
    number::{narrow, quantile},
    settings::AppearanceSettings,
};

/// Each voxel's place in a joint histogram of fine and coarse intensity.
pub(crate) struct Bins {
    fine: Vec<u8>,
    coarse: Vec<u8>,
    /// Bins along each of the two scales.
    n: usize,
}

/// Log-likelihood ratio of object against background, by bin.
pub(crate) struct Appearance {
    ratio: Vec<f32>,
}

impl Bins {
    /// Sorts the voxels of an image at two scales into bins between robust extremes of `sample`.
    pub(crate) fn new(
        image: &Field,
        fine: &Field,
        settings: &AppearanceSettings,
        sample: impl Iterator<Item = usize>,
    ) -> Self {
        let n = usize::from(settings.n_bins);
        let coarse = image.smoothed(settings.coarse_voxels);
        let mut values: Vec<f32> = sample.map(|at| fine.values[at]).collect();
        let low = quantile(&mut values, 0.005).unwrap_or(0.0);
        let high = quantile(&mut values, 0.995).unwrap_or(0.0).max(low);
        let width = (high - low).max(f32::MIN_POSITIVE);
        let top = f32::from(settings.n_bins - 1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held between 0 and the number of bins"
        )]
        let bin = |value: &f32| ((value - low) / width * top).round().clamp(0.0, top) as u8;
        Self {
            fine: fine.values.iter().map(bin).collect(),
            coarse: coarse.values.iter().map(bin).collect(),
            n,
        }
    }

    fn place(&self, at: usize) -> usize {
        usize::from(self.fine[at]) + self.n * usize::from(self.coarse[at])
    }

    /// Learns from voxels with weights: `(voxel, object weight, background weight)`.
    pub(crate) fn learn(
        &self,
        weights: impl Iterator<Item = (usize, f32, f32)>,
        settings: &AppearanceSettings,
    ) -> Appearance {
        let n_bins = self.n * self.n;
        let mut object = vec![0.0f32; n_bins];
        let mut background = vec![0.0f32; n_bins];
        for (at, inside, outside) in weights {
            let place = self.place(at);
            object[place] += inside;
            background[place] += outside;
        }
        let smooth = |counts: Vec<f32>| {
            let shape = [self.n, self.n, 1];
            let sigma = settings.smoothing_bins;
            let counts = Field { shape, spacing_mm: [1.0; 3], values: counts };
            counts.smoothed_by([sigma, sigma, 0.0]).values
        };
        let (object, background) = (smooth(object), smooth(background));
        let total = |counts: &[f32]| counts.iter().map(|&it| f64::from(it)).sum::<f64>();
        let (n_object, n_background) = (total(&object), total(&background));
        if n_object <= 0.0 || n_background <= 0.0 {
            return Appearance { ratio: vec![0.0; n_bins] };
        }
        // One voxel's worth of evidence spread over all bins, so that an empty bin says little.
        let floor = 1.0 / n_object.min(n_background).max(1.0) / n_bins as f64;
        let ratio = object
            .iter()
            .zip(&background)
            .map(|(&o, &b)| {
                let o = f64::from(o) / n_object + floor;
                let b = f64::from(b) / n_background + floor;
                narrow((o / b).ln().clamp(-settings.limit, settings.limit))
            })
            .collect();
        Appearance { ratio }
    }

    /// The log-likelihood ratio of every voxel.
    pub(crate) fn ratios(&self, appearance: &Appearance) -> Vec<f32> {
        (0..self.fine.len()).map(|at| appearance.ratio[self.place(at)]).collect()
    }
}
