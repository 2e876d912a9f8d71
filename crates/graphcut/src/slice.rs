//! One slice: from a box, points, strokes or an earlier mask to the object's mask.

use std::ops::Range;

use crate::{
    appearance::Bins,
    belief::{Local, Prior, Seen, box_prior, mask_prior},
    bitmap, distance,
    ellipse::Ellipse,
    energy::{Energy, Side, mask_weights},
    evidence::{difference_noise, edge_noise, flatness},
    field::Field,
    guess::bounds_of_points,
    number::{count, narrow},
    prompt::{Seed, SliceRequest},
    refine::refined,
    settings::SliceSettings,
};

/// Regions beyond this many voxels are solved on a coarser grid.
const MAX_REGION: usize = 600_000;
/// Marks pull their surroundings within this share of the object's radius.
const PULL_RADIUS: f64 = 0.15;
/// Marked voxels count this often in the histograms.
const SEED_WEIGHT: f32 = 20.0;

/// Finds the object that a person marked on a slice.
///
/// Returns a mask of the whole slice, first axis fastest. It is empty where nothing was marked.
///
/// # Panics
/// If a mask of the request has another size than the slice.
#[must_use]
pub fn segment_slice(
    slice: &Field,
    request: &SliceRequest<'_>,
    settings: &SliceSettings,
) -> Vec<bool> {
    let [width, height, _] = slice.shape;
    for mask in [request.mask, request.forbidden].into_iter().flatten() {
        assert_eq!(mask.len(), slice.values.len(), "a mask of the slice's size");
    }
    let earlier = request.mask.filter(|mask| mask.contains(&true));
    if let Some(mask) = earlier
        && request.seeds.is_empty()
    {
        return mask.to_vec();
    }
    let bounds = earlier
        .map(|mask| bounds_of(mask, width))
        .or(request.bounds)
        .or_else(|| bounds_of_points(slice, request.seeds));
    let Some(bounds) = bounds else {
        return vec![false; slice.values.len()];
    };
    let ranges = region(bounds, request.seeds, [width, height], settings.margin);
    let crop = Crop { ranges, width };
    let mut image = Field {
        shape: [crop.ranges[0].len(), crop.ranges[1].len(), 1],
        spacing_mm: slice.spacing_mm,
        values: crop.take(&slice.values),
    };
    image.replace_non_finite();
    let (left, top) = (crop.ranges[0].start, crop.ranges[1].start);
    let local = Local {
        bounds: [
            bounds[0] - left as f64,
            bounds[1] - top as f64,
            bounds[2] - left as f64,
            bounds[3] - top as f64,
        ],
        seeds: request
            .seeds
            .iter()
            .map(|it| (it.at[0] - left + (it.at[1] - top) * image.shape[0], it.positive))
            .collect(),
        mask: earlier.map(|it| crop.take(it)),
        forbidden: request.forbidden.map(|it| crop.take(it)),
    };
    let solved = if image.values.len() > MAX_REGION {
        solve_coarse(&image, &local, settings)
    } else {
        solve(&image, &local, settings)
    };
    let mut mask = vec![false; slice.values.len()];
    crop.put(&solved, &mut mask);
    match earlier {
        Some(held) => {
            let shape = [width, height];
            let mut mask = refined(held, &mask, request.seeds, shape, slice.spacing_mm);
            for (it, forbidden) in mask.iter_mut().zip(request.forbidden.into_iter().flatten()) {
                *it &= !forbidden;
            }
            mask
        }
        None => mask,
    }
}

/// A rectangle of a slice.
struct Crop {
    ranges: [Range<usize>; 2],
    width: usize,
}

impl Crop {
    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let [columns, rows] = self.ranges.clone();
        let width = self.width;
        rows.map(move |y| y * width + columns.start..y * width + columns.end)
    }

    fn take<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.rows().flat_map(|row| values[row].iter().copied()).collect()
    }

    fn put<T: Copy>(&self, from: &[T], into: &mut [T]) {
        for (row, part) in self.rows().zip(from.chunks_exact(self.ranges[0].len())) {
            into[row].copy_from_slice(part);
        }
    }
}

/// The columns and rows around a box and the marks, with a margin.
fn region(bounds: [f64; 4], seeds: &[Seed], shape: [usize; 2], margin: f64) -> [Range<usize>; 2] {
    [0, 1].map(|axis| {
        let reach = ((bounds[axis + 2] - bounds[axis] + 1.0) * margin).max(12.0);
        let marks = seeds.iter().map(|it| it.at[axis]);
        let first = count((bounds[axis] - reach).floor());
        let first = marks.clone().map(|it| it.saturating_sub(2)).fold(first, usize::min);
        let last = count((bounds[axis + 2] + reach).ceil());
        let last = marks.map(|it| it + 2).fold(last, usize::max);
        let first = first.min(shape[axis] - 1);
        first..(last + 1).clamp(first + 1, shape[axis])
    })
}

/// The inclusive corners of a mask's box.
fn bounds_of(mask: &[bool], width: usize) -> [f64; 4] {
    let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for (at, _) in mask.iter().enumerate().filter(|it| *it.1) {
        let (x, y) = ((at % width) as f64, (at / width) as f64);
        bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
    }
    bounds
}

fn solve(image: &Field, local: &Local, settings: &SliceSettings) -> Vec<bool> {
    let width = image.shape[0];
    let n = image.values.len();
    let place = |at: usize| ((at % width) as f64, (at / width) as f64);
    let whole = Ellipse::in_box(local.bounds, 0.0);
    let radius: Vec<f32> = (0..n)
        .map(|at| {
            let (x, y) = place(at);
            narrow(whole.radius_squared(x, y))
        })
        .collect();
    let fine = image.smoothed(settings.edge.fine_voxels);
    let bins = Bins::new(image, &fine, &settings.appearance, 0..n);
    let is_inner = |at: usize| local.mask.as_ref().map_or(radius[at] <= 0.5, |mask| mask[at]);
    let noise = f64::from(difference_noise(&fine, 0, is_inner));
    let smooth = image.smoothed(settings.edge.outline_voxels);
    let gradient = edge_noise(&smooth, 0, is_inner);
    let trust = flatness(&smooth, narrow(settings.mixed_contrast) * gradient);
    let prior = match &local.mask {
        Some(mask) => mask_prior(image, mask),
        None => {
            let seen = Seen { smooth: &smooth, gradient, bins: &bins };
            box_prior(&seen, local, &radius, settings)
        }
    };
    let sides = sides(local, &prior);
    let pull = pull(image, local, &whole);
    let mut weights = prior.weights;
    let mut mask = vec![false; n];
    for _ in 0..settings.rounds {
        for &(at, positive) in &local.seeds {
            weights[at] = if positive { (SEED_WEIGHT, 0.0) } else { (0.0, SEED_WEIGHT) };
        }
        let learned = weights.iter().enumerate().map(|(at, it)| (at, it.0, it.1));
        let ratio = bins.ratios(&bins.learn(learned, &settings.appearance));
        let unary: Vec<f32> = (0..n)
            .map(|at| narrow(settings.data) * trust[at] * ratio[at] + prior.unary[at] + pull[at])
            .collect();
        let cut = Energy {
            fine: &fine,
            unary: &unary,
            sides: &sides,
            axis: 2,
            lambda: settings.edge.lambda,
            contrast: settings.edge.contrast * noise,
        }
        .minimise();
        let settled = cut == mask;
        mask = cut;
        if settled {
            break;
        }
        weights = mask_weights(&mask).map(|(_, inside, outside)| (inside, outside)).collect();
    }
    // A person's own mask may have any number of parts, none of them marked, and holes.
    if local.mask.is_none() {
        tidy(&mut mask, image.shape, &sides);
    }
    mask
}

/// Keeps the parts that hold given object voxels, and fills holes.
fn tidy(mask: &mut [bool], shape: [usize; 3], sides: &[Side]) {
    bitmap::keep_parts(mask, shape, |at| sides[at] == Side::Object);
    bitmap::fill_holes(mask, shape, 2, |at| sides[at] != Side::Background);
}

/// Given sides: the core and what lies beyond, unless a person said otherwise.
fn sides(local: &Local, prior: &Prior) -> Vec<Side> {
    let doubted = local.seeds.iter().any(|&(at, positive)| !positive && prior.core[at]);
    let mut sides: Vec<Side> = (0..prior.core.len())
        .map(|at| match (prior.core[at] && !doubted, prior.beyond[at]) {
            (true, _) => Side::Object,
            (false, true) => Side::Background,
            (false, false) => Side::Open,
        })
        .collect();
    // Around a mark the cut decides, wherever the outline was thought to be.
    for &(at, positive) in &local.seeds {
        sides[at] = if positive { Side::Object } else { Side::Background };
    }
    for (side, forbidden) in sides.iter_mut().zip(local.forbidden.iter().flatten()) {
        if *forbidden {
            *side = Side::Background;
        }
    }
    sides
}

/// What the marks add to the voxels around them.
fn pull(image: &Field, local: &Local, whole: &Ellipse) -> Vec<f32> {
    let mut pull = vec![0.0f32; image.values.len()];
    let radius_mm =
        (whole.half[0] * image.spacing_mm[0] * whole.half[1] * image.spacing_mm[1]).sqrt();
    let reach = (PULL_RADIUS * radius_mm).max(2.0 * image.finest_mm());
    for positive in [true, false] {
        let mut marked = vec![false; pull.len()];
        for (at, _) in local.seeds.iter().filter(|it| it.1 == positive) {
            marked[*at] = true;
        }
        if !marked.contains(&true) {
            continue;
        }
        let strength = if positive { 4.0 } else { -4.0 };
        let signed = distance::signed_mm(&marked, image.shape, image.spacing_mm);
        for (it, distance) in pull.iter_mut().zip(signed) {
            let away = f64::from(distance.min(0.0)) / reach;
            *it += narrow(strength * (-away * away / 2.0).exp());
        }
    }
    pull
}

/// Solves on block means and keeps the coarse answer except for its outline, which is smoothed by
/// interpolating its signed distance.
fn solve_coarse(image: &Field, local: &Local, settings: &SliceSettings) -> Vec<bool> {
    let ratio = (image.values.len() as f64 / MAX_REGION as f64).sqrt();
    let factor = count(ratio.ceil()).max(2);
    let coarse_image = image.block_means([factor, factor, 1]);
    let [width, height, _] = image.shape;
    let coarse_width = coarse_image.shape[0];
    let scale = factor as f64;
    let block = |at: usize| at % width / factor + at / width / factor * coarse_width;
    let shrink = |mask: &Vec<bool>| {
        let mut coarse = vec![false; coarse_image.values.len()];
        for (at, _) in mask.iter().enumerate().filter(|it| *it.1) {
            coarse[block(at)] = true;
        }
        coarse
    };
    let to_coarse = |it: f64| (it + 0.5) / scale - 0.5;
    let coarse = Local {
        bounds: local.bounds.map(to_coarse),
        seeds: local.seeds.iter().map(|&(at, positive)| (block(at), positive)).collect(),
        mask: local.mask.as_ref().map(shrink),
        forbidden: None,
    };
    let mask = solve(&coarse_image, &coarse, settings);
    let signed = Field {
        values: distance::signed_mm(&mask, coarse_image.shape, coarse_image.spacing_mm),
        ..coarse_image
    };
    let mut fine: Vec<bool> = (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            signed.distance_at(to_coarse(x as f64), to_coarse(y as f64)) > 0.0
        })
        .collect();
    for &(at, positive) in &local.seeds {
        fine[at] = positive;
    }
    for (it, forbidden) in fine.iter_mut().zip(local.forbidden.iter().flatten()) {
        *it &= !forbidden;
    }
    fine
}
