//! Exact Euclidean distances on grids whose voxels need not be cubes.
//!
//! # Source
//! Felzenszwalb & Huttenlocher, "Distance Transforms of Sampled Functions" (2012): one pass per
//! axis, each the lower envelope of parabolas.

/// Squared distance in square millimetres from each voxel's centre to the nearest centre of a voxel
/// that is `true` in `sites`, `i` fastest; infinite where there is none.
///
/// The axes are taken to be at right angles; only a sheared affine (a tilted gantry) makes this an
/// approximation. Single precision: relative errors stay below 1e-6.
///
/// # Panics
/// If `sites` does not fill `shape`.
#[must_use]
pub fn squared_distances(sites: &[bool], shape: [usize; 3], spacing_mm: [f64; 3]) -> Vec<f32> {
    assert_eq!(sites.len(), shape.iter().product::<usize>(), "sites of another shape");
    let mut squared: Vec<f32> =
        sites.iter().map(|it| if *it { 0.0 } else { f32::INFINITY }).collect();
    let strides = [1, shape[0], shape[0] * shape[1]];
    for axis in 0..3 {
        let (length, stride) = (shape[axis], strides[axis]);
        if length < 2 {
            continue;
        }
        let mut envelope = Envelope::new(length, spacing_mm[axis]);
        for block in 0..squared.len() / (length * stride) {
            for offset in 0..stride {
                envelope.pass(&mut squared[block * length * stride + offset..], stride);
            }
        }
    }
    squared
}

/// The lower envelope of parabolas over one line of voxels.
struct Envelope {
    spacing_squared: f64,
    /// The line's values before the pass.
    values: Vec<f64>,
    /// Voxels whose parabolas make the envelope, and where each begins to.
    sites: Vec<(usize, f64)>,
}

impl Envelope {
    fn new(length: usize, spacing_mm: f64) -> Self {
        Self {
            spacing_squared: spacing_mm * spacing_mm,
            values: vec![0.0; length],
            sites: Vec::with_capacity(length),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "distances are f32 by contract")]
    fn pass(&mut self, line: &mut [f32], stride: usize) {
        for (value, it) in self.values.iter_mut().zip(line.iter().step_by(stride)) {
            *value = f64::from(*it);
        }
        self.build();
        if self.sites.is_empty() {
            return;
        }
        let mut at = 0;
        for place in 0..self.values.len() {
            while at + 1 < self.sites.len() && self.sites[at + 1].1 < place as f64 {
                at += 1;
            }
            let site = self.sites[at].0;
            let step = place as f64 - site as f64;
            line[place * stride] = (step * step * self.spacing_squared + self.values[site]) as f32;
        }
    }

    fn build(&mut self) {
        self.sites.clear();
        for (place, &value) in self.values.iter().enumerate() {
            if value.is_infinite() {
                continue;
            }
            let mut start = f64::NEG_INFINITY;
            while let Some(&(last, last_start)) = self.sites.last() {
                start = self.meeting(last, place);
                if start > last_start {
                    break;
                }
                self.sites.pop();
                start = f64::NEG_INFINITY;
            }
            self.sites.push((place, start));
        }
    }

    /// Where the parabola of `b` falls below that of `a`, a voxel before it.
    fn meeting(&self, a: usize, b: usize) -> f64 {
        let height = |it: usize| self.values[it] / self.spacing_squared + (it * it) as f64;
        (height(b) - height(a)) / (2.0 * (b as f64 - a as f64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::squared_distances;

    fn brute_force(sites: &[bool], shape: [usize; 3], spacing: [f64; 3]) -> Vec<f64> {
        let place =
            |at: usize| [at % shape[0], at / shape[0] % shape[1], at / (shape[0] * shape[1])];
        (0..sites.len())
            .map(|at| {
                let mut nearest = f64::INFINITY;
                for site in (0..sites.len()).filter(|it| sites[*it]) {
                    let (a, b) = (place(at), place(site));
                    let squared = (0..3)
                        .map(|it| ((a[it] as f64 - b[it] as f64) * spacing[it]).powi(2))
                        .sum();
                    nearest = nearest.min(squared);
                }
                nearest
            })
            .collect()
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_nearest_site(
            sites in proptest::collection::vec(proptest::bool::weighted(0.1), 210),
            spacing in proptest::array::uniform3(0.3_f64..6.0),
        ) {
            let shape = [7, 5, 6];
            let expected = brute_force(&sites, shape, spacing);
            for (found, expected) in squared_distances(&sites, shape, spacing).into_iter().zip(expected) {
                let found = f64::from(found);
                prop_assert!(found == expected || (found - expected).abs() <= 1e-6 * expected);
            }
        }
    }

    #[test]
    fn without_a_site_everything_is_infinitely_far() {
        assert!(
            squared_distances(&[false; 8], [2, 2, 2], [1.0; 3]).iter().all(|it| it.is_infinite())
        );
    }
}
