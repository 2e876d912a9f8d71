//! The head in T1-weighted MR after contrast medium, in arbitrary units.

use super::{
    PhantomLabel, PhantomOptions,
    noise::white,
    random::Random,
    rotation,
    scene::{Raster, Scene},
    solid::{Solid, Tissue},
    to_i16,
};
use crate::{Grid, Labelmap};

const TUMOUR: u8 = 1;
const OEDEMA: u8 = 2;
const VENTRICLES: u8 = 3;
const WHITE_MATTER: u8 = 4;
const GREY_MATTER: u8 = 5;

const LABELS: [PhantomLabel; 5] = [
    PhantomLabel { value: TUMOUR, name: "tumour", is_lesion: true },
    PhantomLabel { value: OEDEMA, name: "oedema", is_lesion: false },
    PhantomLabel { value: VENTRICLES, name: "ventricles", is_lesion: false },
    PhantomLabel { value: WHITE_MATTER, name: "white matter", is_lesion: false },
    PhantomLabel { value: GREY_MATTER, name: "grey matter", is_lesion: false },
];

/// The image, its labels and their names.
pub(super) fn scan(
    options: &PhantomOptions,
    grid: &Grid,
) -> (Vec<i16>, Labelmap, Vec<PhantomLabel>) {
    let mut random = Random::new(options.seed);
    let scene = scene(&mut random);
    let bias = Bias::new(&mut random);
    let Raster { mut intensities, labelmap } = scene.raster(grid);
    let [ni, nj, _] = grid.shape;
    for (k, slice) in intensities.chunks_mut((ni * nj).max(1)).enumerate() {
        bias.apply(grid, k, slice);
        add_rician(slice, k, options);
    }
    let voxels = intensities.iter().map(|&it| to_i16(it)).collect();
    (voxels, labelmap, LABELS.to_vec())
}

fn scene(random: &mut Random) -> Scene {
    let tissue = |intensity, label| Tissue { intensity, label };
    let brain = [0.0, -4.0, 8.0];
    let side = if random.unit() < 0.5 { -1.0 } else { 1.0 };
    let tumour: [f64; 3] = [
        side * random.between(24.0, 34.0),
        random.between(-15.0, 25.0),
        random.between(12.0, 34.0),
    ];
    let radius = random.between(13.0, 18.0);
    let tilt = rotation(random.vector());
    let mut solids = vec![
        Solid::ellipsoid(tissue(620.0, 0), [0.0, -2.0, 4.0], [79.0, 97.0, 92.0]),
        Solid::ellipsoid(tissue(60.0, 0), [0.0, -2.0, 4.0], [73.0, 91.0, 86.0]),
        Solid::ellipsoid(tissue(170.0, 0), brain, [69.0, 86.0, 77.0]),
        Solid::ellipsoid(tissue(470.0, GREY_MATTER), brain, [66.0, 83.0, 74.0])
            .uneven(0.05, 4.0, random)
            .within(&[0]),
        Solid::ellipsoid(tissue(640.0, WHITE_MATTER), brain, [58.0, 75.0, 65.0])
            .uneven(0.11, 5.0, random)
            .within(&[GREY_MATTER]),
        // The cleft between the halves.
        Solid::ellipsoid(tissue(190.0, 0), [0.0, -4.0, 70.0], [1.6, 82.0, 46.0])
            .within(&[GREY_MATTER, WHITE_MATTER]),
    ];
    for side in [-1.0, 1.0] {
        solids.extend([
            Solid::ellipsoid(
                tissue(500.0, GREY_MATTER),
                [side * 18.0, -8.0, 2.0],
                [9.0, 16.0, 11.0],
            ),
            Solid::turned(
                tissue(150.0, VENTRICLES),
                [side * 11.0, -2.0, 17.0],
                [6.0, 30.0, 9.0],
                rotation([0.1, 0.0, side * 0.08]),
            )
            .uneven(0.1, 0.8, random),
        ]);
    }
    let half_axes = [radius, 0.85 * radius, 1.1 * radius];
    let matter = [WHITE_MATTER, GREY_MATTER];
    solids.extend([
        Solid::turned(tissue(545.0, OEDEMA), tumour, half_axes.map(|it| 1.5 * it), tilt)
            .uneven(0.2, 1.0, random)
            .within(&[WHITE_MATTER]),
        Solid::turned(tissue(760.0, TUMOUR), tumour, half_axes, tilt)
            .uneven(0.25, 0.9, random)
            .within(&[WHITE_MATTER, GREY_MATTER, OEDEMA, 0]),
        Solid::turned(tissue(430.0, TUMOUR), tumour, half_axes.map(|it| 0.55 * it), tilt)
            .uneven(0.25, 1.0, random)
            .within(&[TUMOUR]),
    ]);
    for _ in 0..5 {
        let centre = random.vector().map(|it| it * 45.0);
        let vessel = rotation(random.vector());
        let half_axes = [1.4, 1.4, random.between(15.0, 30.0)];
        solids.push(Solid::turned(tissue(820.0, 0), centre, half_axes, vessel).within(&matter));
    }
    Scene { background: tissue(0.0, 0), solids }
}

/// A smooth change of brightness over the image, as surface coils make it.
struct Bias {
    slope: [f64; 3],
    bend: [f64; 3],
}

impl Bias {
    fn new(random: &mut Random) -> Self {
        Self {
            slope: random.vector().map(|it| 0.2 * it),
            bend: random.vector().map(|it| 0.15 * it),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
    fn apply(&self, grid: &Grid, k: usize, slice: &mut [f32]) {
        const FIELD_MM: f64 = 100.0;
        let ni = grid.shape[0];
        for (at, intensity) in slice.iter_mut().enumerate() {
            let voxel = [(at % ni) as f64, (at / ni) as f64, k as f64];
            let point = grid.ras_from_voxel.apply(voxel).map(|it| it / FIELD_MM);
            let gain: f64 =
                (0..3).map(|it| (self.slope[it] + self.bend[it] * point[it]) * point[it]).sum();
            *intensity *= (1.0 + gain).max(0.2) as f32;
        }
    }
}

/// Noise in both channels of the receiver; the image is the length of their sum.
#[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
fn add_rician(slice: &mut [f32], k: usize, options: &PhantomOptions) {
    let deviation = options.noise as f32;
    let real = white(options.seed, k, slice.len());
    let imaginary = white(!options.seed, k, slice.len());
    for (intensity, (real, imaginary)) in slice.iter_mut().zip(real.zip(imaginary)) {
        let (real, imaginary) = (*intensity + deviation * real, deviation * imaginary);
        *intensity = (real * real + imaginary * imaginary).sqrt();
    }
}
