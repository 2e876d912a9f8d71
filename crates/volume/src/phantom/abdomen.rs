//! The abdomen in CT: anatomy in millimetres, Hounsfield units of the portal venous phase.

use super::{
    PhantomLabel, PhantomOptions,
    noise::{Streaks, Texture, correlated},
    random::{Random, wave},
    rotation,
    scene::{Raster, Scene},
    solid::{Solid, Tissue},
    to_i16,
};
use crate::{Grid, Labelmap};

const LIVER: u8 = 1;
const SPLEEN: u8 = 2;
const RIGHT_KIDNEY: u8 = 3;
const LEFT_KIDNEY: u8 = 4;
const AORTA: u8 = 5;
const SPINE: u8 = 6;
const STOMACH: u8 = 7;
const PANCREAS: u8 = 8;
const LIVER_LESION_1: u8 = 11;
const LIVER_LESION_2: u8 = 12;
const LIVER_LESION_3: u8 = 13;
const KIDNEY_LESION: u8 = 14;
const SPLEEN_LESION: u8 = 15;
const LYMPH_NODE: u8 = 16;

const LABELS: [PhantomLabel; 14] = [
    organ(LIVER, "liver"),
    organ(SPLEEN, "spleen"),
    organ(RIGHT_KIDNEY, "right kidney"),
    organ(LEFT_KIDNEY, "left kidney"),
    organ(AORTA, "aorta"),
    organ(SPINE, "spine"),
    organ(STOMACH, "stomach"),
    organ(PANCREAS, "pancreas"),
    lesion(LIVER_LESION_1, "liver lesion 1"),
    lesion(LIVER_LESION_2, "liver lesion 2"),
    lesion(LIVER_LESION_3, "liver lesion 3"),
    lesion(KIDNEY_LESION, "kidney lesion"),
    lesion(SPLEEN_LESION, "spleen lesion"),
    lesion(LYMPH_NODE, "lymph node"),
];

const fn organ(value: u8, name: &'static str) -> PhantomLabel {
    PhantomLabel { value, name, is_lesion: false }
}

const fn lesion(value: u8, name: &'static str) -> PhantomLabel {
    PhantomLabel { value, name, is_lesion: true }
}

/// Without label of its own.
const NONE: u8 = 0;
/// Stand for the fat of the cavity and for bowel while bodies are laid; not in the result.
const CAVITY: u8 = 255;
const BOWEL: u8 = 254;
const ENDLESS: f64 = f64::INFINITY;
/// Darker than this there is no tissue to have a texture.
const LUNG: f32 = -300.0;

/// The image in Hounsfield units, its labels and their names.
pub(super) fn scan(
    options: &PhantomOptions,
    grid: &Grid,
) -> (Vec<i16>, Labelmap, Vec<PhantomLabel>) {
    let mut random = Random::new(options.seed);
    let scene = scene(&mut random);
    // A surgical clip, clear of the lesions.
    let clip =
        [random.between(-35.0, 0.0), random.between(20.0, 45.0), random.between(-75.0, -35.0)];
    let sources = [(clip, 70.0), ([0.0, -75.0, 0.0], 25.0), ([0.0, -75.0, 55.0], 25.0)];
    let streaks = Streaks::around(&sources, &mut random);
    let texture = Texture::new(10.0, &mut random);
    let Raster { mut intensities, mut labelmap } = scene.raster(grid);
    let [ni, nj, _] = grid.shape;
    for (k, slice) in intensities.chunks_mut((ni * nj).max(1)).enumerate() {
        texture.add(grid, k, LUNG, slice);
        streaks.add(grid, k, slice);
        let noise = correlated(options.seed, k, [ni, nj]);
        add(slice, &noise, options.noise);
    }
    for label in labelmap.voxels.iter_mut().filter(|it| **it >= BOWEL) {
        *label = NONE;
    }
    let voxels = intensities.iter().map(|&it| to_i16(it.max(-1024.0))).collect();
    (voxels, labelmap, LABELS.to_vec())
}

#[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
fn add(slice: &mut [f32], noise: &[f32], deviation: f64) {
    for (intensity, noise) in slice.iter_mut().zip(noise) {
        *intensity += noise * deviation as f32;
    }
}

fn tissue(intensity: f32, label: u8) -> Tissue {
    Tissue { intensity, label }
}

fn scene(random: &mut Random) -> Scene {
    let mut solids = wall(random);
    solids.extend(spine());
    solids.extend(bowel(random));
    solids.extend(organs(random));
    solids.extend(vessels(random));
    solids.extend(lesions(random));
    Scene { background: tissue(-1000.0, NONE), solids }
}

/// Skin, fat, muscle, ribs, and the cavity inside.
fn wall(random: &mut Random) -> Vec<Solid> {
    let mut solids = vec![
        Solid::ellipsoid(tissue(40.0, NONE), [0.0; 3], [167.0, 117.0, ENDLESS]),
        Solid::ellipsoid(tissue(-105.0, NONE), [0.0; 3], [165.0, 115.0, ENDLESS]),
        Solid::ellipsoid(tissue(55.0, NONE), [0.0, -4.0, 0.0], [145.0, 97.0, ENDLESS])
            .uneven(0.04, 1.5, random),
        Solid::ellipsoid(tissue(-98.0, CAVITY), [0.0, 6.0, 0.0], [130.0, 80.0, ENDLESS])
            .uneven(0.04, 1.5, random),
        Solid::ellipsoid(tissue(58.0, NONE), [34.0, -66.0, 0.0], [20.0, 17.0, ENDLESS]),
        Solid::ellipsoid(tissue(58.0, NONE), [-34.0, -66.0, 0.0], [20.0, 17.0, ENDLESS]),
    ];
    for rib in 0..16_i32 {
        let side = if rib % 2 == 0 { 1.0 } else { -1.0 };
        let turn = f64::from(rib / 2) / 8.0;
        let (across, front) = (wave(0.10 + 0.30 * turn), wave(0.35 + 0.30 * turn));
        let centre = [side * 136.0 * across, 89.0 * front - 4.0, 70.0 - 22.0 * f64::from(rib % 6)];
        let tilt = rotation([0.15, 0.1 * side, -side * 0.5 * front]);
        solids.push(Solid::turned(tissue(420.0, NONE), centre, [5.0, 13.0, 6.0], tilt));
    }
    solids
}

/// Vertebral bodies with discs between, canal, and processes behind.
fn spine() -> Vec<Solid> {
    let disc = tissue(85.0, SPINE);
    let bone = tissue(190.0, SPINE);
    let cortex = tissue(380.0, SPINE);
    let mut solids = vec![Solid::ellipsoid(disc, [0.0, -62.0, 0.0], [23.0, 17.0, ENDLESS])];
    for level in -5_i32..=5 {
        let z = 33.0 * f64::from(level);
        solids.extend([
            Solid::ellipsoid(cortex, [0.0, -62.0, z], [25.0, 19.0, 21.0]),
            Solid::ellipsoid(bone, [0.0, -62.0, z], [22.5, 16.5, 18.5]),
            Solid::ellipsoid(cortex, [0.0, -101.0, z - 6.0], [4.0, 14.0, 10.0]),
            Solid::ellipsoid(cortex, [22.0, -88.0, z], [18.0, 5.0, 6.0]),
            Solid::ellipsoid(cortex, [-22.0, -88.0, z], [18.0, 5.0, 6.0]),
        ]);
    }
    solids.push(Solid::ellipsoid(tissue(30.0, NONE), [0.0, -85.0, 0.0], [10.0, 8.0, ENDLESS]));
    solids
}

/// Loops with walls, fluid and gas.
fn bowel(random: &mut Random) -> Vec<Solid> {
    let mut solids = Vec::new();
    for _ in 0..14 {
        let centre = [
            random.between(-85.0, 70.0),
            random.between(20.0, 62.0),
            random.between(-100.0, -18.0),
        ];
        let half_axes =
            [random.between(11.0, 22.0), random.between(10.0, 15.0), random.between(10.0, 26.0)];
        let tilt = rotation(random.vector().map(|it| it * 0.4));
        let inner = half_axes.map(|it| it - 2.5);
        let content = random.between(5.0, 45.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
        let content = tissue(content as f32, BOWEL);
        let above = [centre[0], centre[1] + 0.55 * inner[1], centre[2]];
        solids.extend([
            Solid::turned(tissue(75.0, BOWEL), centre, half_axes, tilt).within(&[CAVITY, BOWEL]),
            Solid::turned(content, centre, inner, tilt).within(&[BOWEL]),
        ]);
        if random.unit() < 0.4 {
            let gas = inner.map(|it| it * 0.55);
            solids.push(Solid::turned(tissue(-850.0, BOWEL), above, gas, tilt).within(&[BOWEL]));
        }
    }
    solids
}

fn organs(random: &mut Random) -> Vec<Solid> {
    let mut jitter = |centre: [f64; 3]| {
        let by = random.vector();
        std::array::from_fn::<f64, 3, _>(|it| centre[it] + 3.0 * by[it])
    };
    let liver = [jitter([72.0, 8.0, 22.0]), jitter([8.0, 40.0, 38.0])];
    let spleen = jitter([-88.0, -22.0, 42.0]);
    let kidneys = [jitter([62.0, -40.0, -28.0]), jitter([-62.0, -40.0, -14.0])];
    let stomach = jitter([-48.0, 34.0, 38.0]);
    let pancreas = jitter([-10.0, -2.0, -4.0]);
    let anywhere = [CAVITY, BOWEL];
    let mut solids = vec![
        Solid::ellipsoid(tissue(70.0, STOMACH), stomach, [46.0, 32.0, 42.0])
            .uneven(0.10, 0.8, random)
            .within(&anywhere),
        Solid::ellipsoid(tissue(18.0, STOMACH), stomach, [41.0, 27.0, 37.0]).within(&[STOMACH]),
        Solid::ellipsoid(
            tissue(-930.0, STOMACH),
            [stomach[0], stomach[1] + 20.0, stomach[2]],
            [26.0, 9.0, 24.0],
        )
        .within(&[STOMACH]),
        Solid::turned(
            tissue(95.0, PANCREAS),
            pancreas,
            [62.0, 11.0, 14.0],
            rotation([0.0, -0.2, 0.1]),
        )
        .uneven(0.18, 1.6, random)
        .within(&anywhere),
        Solid::ellipsoid(tissue(112.0, LIVER), liver[0], [62.0, 66.0, 68.0])
            .uneven(0.12, 0.7, random)
            .within(&anywhere),
        Solid::ellipsoid(tissue(112.0, LIVER), liver[1], [58.0, 30.0, 34.0])
            .uneven(0.12, 0.7, random)
            .within(&[CAVITY, BOWEL, STOMACH]),
        Solid::ellipsoid(tissue(122.0, SPLEEN), spleen, [30.0, 40.0, 46.0])
            .uneven(0.12, 0.8, random)
            .within(&[CAVITY, BOWEL, STOMACH]),
    ];
    for (label, centre, side) in [(RIGHT_KIDNEY, kidneys[0], 1.0), (LEFT_KIDNEY, kidneys[1], -1.0)]
    {
        let tilt = rotation([0.08, 0.12 * side, 0.2 * side]);
        let hilum = [centre[0] - 16.0 * side, centre[1] + 4.0, centre[2]];
        solids.extend([
            Solid::turned(tissue(185.0, label), centre, [27.0, 25.0, 52.0], tilt)
                .uneven(0.06, 0.9, random)
                .within(&[CAVITY, BOWEL, LIVER, SPLEEN]),
            Solid::turned(tissue(150.0, label), centre, [19.0, 17.0, 43.0], tilt).within(&[label]),
            Solid::turned(tissue(-70.0, CAVITY), hilum, [15.0, 10.0, 24.0], tilt).within(&[label]),
        ]);
    }
    solids
}

fn vessels(random: &mut Random) -> Vec<Solid> {
    let mut solids = vec![
        Solid::ellipsoid(tissue(175.0, AORTA), [-9.0, -34.0, 0.0], [11.5, 11.0, ENDLESS])
            .uneven(0.05, 0.6, random),
        Solid::ellipsoid(tissue(135.0, NONE), [18.0, -32.0, 0.0], [13.0, 9.5, ENDLESS])
            .uneven(0.06, 0.6, random),
    ];
    for _ in 0..9 {
        let centre =
            [random.between(40.0, 100.0), random.between(-30.0, 45.0), random.between(-20.0, 70.0)];
        let tilt = rotation(random.vector());
        let half_axes =
            [random.between(2.0, 4.0), random.between(2.0, 4.0), random.between(20.0, 45.0)];
        solids.push(Solid::turned(tissue(155.0, LIVER), centre, half_axes, tilt).within(&[LIVER]));
    }
    solids
}

/// Lesions with contrasts from clear to hardly visible.
fn lesions(random: &mut Random) -> Vec<Solid> {
    let mut body = |label, near: [f64; 3], radius: f64, intensity, within: &[u8]| {
        let by = random.vector();
        let centre = std::array::from_fn(|it| near[it] + 6.0 * by[it]);
        let half_axes = [0; 3].map(|_| radius * random.between(0.8, 1.25));
        let tilt = rotation(random.vector());
        Solid::turned(tissue(intensity, label), centre, half_axes, tilt)
            .uneven(0.28, 0.9, random)
            .within(within)
    };
    vec![
        body(LIVER_LESION_1, [82.0, 12.0, 30.0], 19.0, 68.0, &[LIVER]),
        body(LIVER_LESION_2, [66.0, -22.0, 4.0], 12.0, 78.0, &[LIVER]),
        body(LIVER_LESION_3, [54.0, 34.0, 46.0], 8.5, 60.0, &[LIVER]),
        body(KIDNEY_LESION, [-70.0, -44.0, -34.0], 13.0, 98.0, &[LEFT_KIDNEY, CAVITY]),
        body(SPLEEN_LESION, [-88.0, -22.0, 40.0], 12.0, 92.0, &[SPLEEN]),
        body(LYMPH_NODE, [-26.0, -22.0, -44.0], 10.0, 88.0, &[CAVITY, BOWEL]),
    ]
}
