//! A volume: from the slices that are known, in any planes, to the object's mask everywhere.

use std::ops::{Range, RangeInclusive};

use crate::{
    appearance::Bins,
    bitmap,
    control::{Control, Stage},
    energy::{Energy, Side},
    evidence::{difference_noise, edge_noise},
    family::{ENDED, Family, Stack},
    field::{Field, inverse_order, other_axes, permute},
    key::{families, local_keys, sides},
    number::{flag, narrow},
    region::Region,
    settings::VolumeSettings,
};

pub use crate::family::Pass;

/// Intensities of a volume, as much of them as is asked for.
pub trait Intensities: Sync {
    /// Voxels along each axis.
    fn shape(&self) -> [usize; 3];
    /// Distance between voxel centres along each axis.
    fn spacing_mm(&self) -> [f64; 3];
    /// The voxels of a box, first axis fastest. The box lies on the grid.
    fn crop(&self, ranges: [Range<usize>; 3]) -> Vec<f32>;
}

impl Intensities for Field {
    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn spacing_mm(&self) -> [f64; 3] {
        self.spacing_mm
    }

    fn crop(&self, [columns, rows, slices]: [Range<usize>; 3]) -> Vec<f32> {
        let [ni, nj, _] = self.shape;
        let mut out = Vec::with_capacity(columns.len() * rows.len() * slices.len());
        for k in slices {
            for j in rows.clone() {
                let row = (k * nj + j) * ni;
                out.extend_from_slice(&self.values[row + columns.start..row + columns.end]);
            }
        }
        out
    }
}

/// A slice whose mask is known. Without a voxel it says that the object is absent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlice {
    /// The axis across the slice.
    pub axis: usize,
    /// Its index along that axis.
    pub index: usize,
    /// Its mask, first remaining axis fastest.
    pub mask: Vec<bool>,
}

/// What a volume is solved from.
pub struct VolumeRequest<'a> {
    /// Known slices. Where two cross and disagree, the later one counts.
    pub keys: Vec<KeySlice>,
    /// Single voxels inside (true) or outside the object.
    pub seeds: Vec<([usize; 3], bool)>,
    /// The axis along which `slices` counts.
    pub axis: usize,
    /// Slices that may hold the object.
    pub slices: RangeInclusive<usize>,
    /// Whether a person gave the slices: the object may then be long.
    pub whole_range: bool,
    /// Voxels, by their place in the volume, that belong to other objects.
    pub forbidden: Option<&'a (dyn Fn(usize) -> bool + Sync)>,
    /// What explains slices between two key slices.
    pub pass: Pass,
}

/// An object's mask in a box of the volume; outside it is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The box.
    pub ranges: [Range<usize>; 3],
    /// Its mask, first axis fastest.
    pub mask: Vec<bool>,
}

/// Why there is no solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// No key slice shows the object, so nothing says where it is.
    #[error("no key slice shows the object")]
    NoKeySlice,
}

/// Carries an object from its key slices through a volume, by one cut for each call of
/// [`Solver::solve`]. Holds everything that does not change with the assumptions of a solve.
pub struct Solver<'a> {
    request: &'a VolumeRequest<'a>,
    region: Region,
    volume_shape: [usize; 3],
    fine: Field,
    ratio: Vec<f32>,
    noise: f64,
    sides: Vec<Side>,
    families: Vec<(Family, Stack)>,
}

impl<'a> Solver<'a> {
    /// Reads the region around the key slices and learns what the object looks like.
    ///
    /// # Errors
    /// If no key slice shows the object, or `control` asks to stop.
    pub fn new(
        image: &dyn Intensities,
        request: &'a VolumeRequest<'a>,
        settings: &VolumeSettings,
        control: &dyn Control,
    ) -> Result<Self, SolveError> {
        let shape = image.shape();
        let region = Region::around(request, shape, image.spacing_mm(), settings)
            .ok_or(SolveError::NoKeySlice)?;
        control.progress(Stage::Solving, 0, 4);
        let field = region.read(image);
        let keys = local_keys(request, &region, shape);
        let sides = sides(request, &region, &keys, field.shape, shape);
        let families = families(&keys, &field);
        if families.is_empty() {
            return Err(SolveError::NoKeySlice);
        }
        stop_if_asked(control)?;
        let fine = field.smoothed(settings.edge.fine_voxels);
        let smooth = field.smoothed(settings.edge.outline_voxels);
        let mut known: Vec<(usize, bool)> = Vec::new();
        for key in &keys {
            key.for_each_voxel(field.shape, |at, inside| known.push((at, inside)));
        }
        let bins = Bins::new(&field, &fine, &settings.appearance, known.iter().map(|it| it.0));
        let weights = known.iter().map(|&(at, inside)| (at, flag(inside), flag(!inside)));
        let ratio = bins.ratios(&bins.learn(weights, &settings.appearance));
        let noise = f64::from(mean_noise(&families, &fine, |image, slice, inside| {
            difference_noise(image, slice, inside)
        }));
        let gradient =
            mean_noise(&families, &smooth, |image, slice, inside| edge_noise(image, slice, inside));
        let edge = narrow(settings.edge.outline_contrast) * gradient;
        let families = families
            .into_iter()
            .map(|family| {
                let order = family.order();
                let ratio = permute(&ratio, field.shape, order);
                let stack = Stack { smooth: smooth.permuted(order), ratio, edge };
                (family, stack)
            })
            .collect();
        control.progress(Stage::Solving, 1, 4);
        stop_if_asked(control)?;
        let volume_shape = shape;
        Ok(Self { request, region, volume_shape, fine, ratio, noise, sides, families })
    }

    /// Voxel spacing of the volume.
    pub(crate) fn spacing_mm(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.fine.spacing_mm[axis] / self.region.factors[axis] as f64)
    }

    /// The axis of the request where it has key slices, else the first that has.
    fn main_axis(&self) -> usize {
        let axes = || self.families.iter().map(|it| it.0.axis);
        axes().find(|it| *it == self.request.axis).or_else(|| axes().next()).unwrap_or(2)
    }

    /// What is solved.
    pub(crate) fn request(&self) -> &VolumeRequest<'a> {
        self.request
    }

    /// The mask under the given assumptions; region, histograms and smoothing stay those that the
    /// solver was made with.
    ///
    /// # Errors
    /// If `control` asks to stop.
    pub fn solve(
        &self,
        settings: &VolumeSettings,
        control: &dyn Control,
    ) -> Result<Solution, SolveError> {
        let prior = self.prior(settings);
        control.progress(Stage::Solving, 2, 4);
        stop_if_asked(control)?;
        let [low, high] = settings.prior_limits.map(narrow);
        // Voxels this far below the least prior cannot be won by the image.
        let hopeless = low - narrow(settings.data * settings.appearance.limit);
        let mut unary = Vec::with_capacity(prior.len());
        let mut sides = self.sides.clone();
        for (at, &it) in prior.iter().enumerate() {
            if it < hopeless && sides[at] == Side::Open {
                sides[at] = Side::Background;
            }
            unary.push(narrow(settings.data) * self.ratio[at] + it.clamp(low, high));
        }
        let mut mask = Energy {
            fine: &self.fine,
            unary: &unary,
            sides: &sides,
            axis: self.main_axis(),
            lambda: settings.edge.lambda,
            contrast: settings.edge.contrast * self.noise,
        }
        .minimise();
        control.progress(Stage::Solving, 3, 4);
        stop_if_asked(control)?;
        bitmap::keep_parts(&mut mask, self.fine.shape, |at| self.sides[at] == Side::Object);
        let mask = self.region.refined(mask, &self.fine);
        let mut solution = Solution { ranges: self.region.ranges.clone(), mask };
        self.impose(&mut solution);
        Ok(solution)
    }

    /// What every voxel gains by belonging to the object, from the key slices of all planes: each
    /// plane counts by its closeness.
    fn prior(&self, settings: &VolumeSettings) -> Vec<f32> {
        let shape = self.fine.shape;
        let mut sum = vec![0.0f32; self.fine.values.len()];
        let mut total = vec![0.0f32; sum.len()];
        for (family, stack) in &self.families {
            let order = family.order();
            let prior = family.prior(stack, self.request.pass, settings);
            let turned_shape = stack.smooth.shape;
            let prior = permute(&prior, turned_shape, inverse_order(order));
            let spacing = self.fine.spacing_mm[family.axis];
            let step = self.fine.strides()[family.axis];
            let weights: Vec<f32> = (0..shape[family.axis])
                .map(|slice| {
                    let away = family.distance_mm(slice, spacing) + 0.5 * spacing;
                    narrow(1.0 / (away * away))
                })
                .collect();
            let only = self.families.len() == 1;
            for (at, &it) in prior.iter().enumerate() {
                let weight = if only { 1.0 } else { weights[at / step % shape[family.axis]] };
                // One plane may see an end that another has looked past.
                sum[at] += weight * if only { it } else { it.max(ENDED / 5.0) };
                total[at] += weight;
            }
        }
        for (it, total) in sum.iter_mut().zip(total) {
            *it /= total.max(f32::MIN_POSITIVE);
        }
        sum
    }

    /// Sets the known slices and voxels exactly; needed where the region was solved coarsely.
    fn impose(&self, solution: &mut Solution) {
        let [ni, nj, _] = self.region.fine_shape();
        let ranges = &self.region.ranges;
        let flat = |place: [usize; 3]| {
            let inside = (0..3).all(|axis| ranges[axis].contains(&place[axis]));
            inside.then(|| {
                let [i, j, k] = [0, 1, 2].map(|axis| place[axis] - ranges[axis].start);
                i + ni * (j + nj * k)
            })
        };
        if self.region.is_coarse() {
            let [volume_i, volume_j, _] = self.volume_shape;
            for k in ranges[2].clone() {
                for j in ranges[1].clone() {
                    for i in ranges[0].clone() {
                        let allowed = self.request.slices.contains(&[i, j, k][self.request.axis]);
                        let forbidden = self
                            .request
                            .forbidden
                            .is_some_and(|it| it(i + volume_i * (j + volume_j * k)));
                        if let Some(at) = flat([i, j, k])
                            && (forbidden || !allowed)
                        {
                            solution.mask[at] = false;
                        }
                    }
                }
            }
        }
        for (place, inside) in &self.request.seeds {
            if let Some(at) = flat(*place) {
                solution.mask[at] = *inside;
            }
        }
        for key in &self.request.keys {
            let [a, b] = other_axes(key.axis);
            let width = self.volume_shape[a];
            for (at, &inside) in key.mask.iter().enumerate() {
                let mut place = [key.index; 3];
                place[a] = at % width;
                place[b] = at / width;
                if let Some(at) = flat(place) {
                    solution.mask[at] = inside;
                }
            }
        }
    }
}

/// The noise well inside the key slices, averaged over them.
fn mean_noise(
    families: &[Family],
    image: &Field,
    measure: impl Fn(&Field, usize, &dyn Fn(usize) -> bool) -> f32,
) -> f32 {
    let (mut sum, mut n) = (0.0, 0.0f32);
    for family in families {
        let turned = image.permuted(family.order());
        for key in &family.keys {
            if let Some(shape) = &key.shape {
                let depth = narrow(0.3 * shape.radius_mm());
                let inside = |at: usize| shape.signed.values[at] > depth;
                sum += measure(&turned, key.index, &inside);
                n += 1.0;
            }
        }
    }
    sum / n.max(1.0)
}

fn stop_if_asked(control: &dyn Control) -> Result<(), SolveError> {
    if control.is_cancelled() { Err(SolveError::Cancelled) } else { Ok(()) }
}
