//! Made-up patients: seeded, reproducible images with known labels, for tests, benches and
//! everybody without data.
//!
//! Anatomy is described in millimetres of RAS around the origin, so that one patient can be scanned
//! on any grid.

mod abdomen;
mod brain;
mod noise;
mod random;
mod scene;
mod solid;

pub use solid::rotation;

use crate::{
    Affine, AxisCodes, Grid, Labelmap, MaskFormat, SourceHeader, Volume, Voxels, WriteError,
    write_volume,
};

/// Which patient is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhantomKind {
    /// CT of the abdomen in portal venous phase, in Hounsfield units: organs with lesions of low
    /// contrast, gas, bone, streaks.
    CtAbdomen,
    /// T1-weighted MR of the head after contrast medium: tumour, bias field, Rician noise.
    MrBrain,
}

/// How a phantom is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhantomOptions {
    /// Which patient.
    pub kind: PhantomKind,
    /// Number of voxels.
    pub shape: [usize; 3],
    /// Distance of voxels.
    pub spacing_mm: [f64; 3],
    /// How the stored axes lie; the third is the direction of slices.
    pub codes: AxisCodes,
    /// Turn of the scanner against the patient, as [`rotation`] takes it; zero for none.
    pub tilt: [f64; 3],
    /// Every seed is another patient, with lesions elsewhere.
    pub seed: u64,
    /// Deviation of the noise, in the image's units.
    pub noise: f64,
}

impl PhantomOptions {
    /// The whole abdomen on a grid of the given shape, stored along LPS as scanners do.
    #[must_use]
    pub fn ct(shape: [usize; 3]) -> Self {
        Self {
            kind: PhantomKind::CtAbdomen,
            shape,
            spacing_mm: spacing_of([384.0, 384.0, 192.0], shape),
            codes: AxisCodes { ras_axis: [0, 1, 2], flipped: [true, true, false] },
            tilt: [0.0; 3],
            seed: 1,
            noise: 12.0,
        }
    }

    /// The whole head on a grid of the given shape, stored along RAS.
    #[must_use]
    pub fn mr(shape: [usize; 3]) -> Self {
        Self {
            kind: PhantomKind::MrBrain,
            spacing_mm: spacing_of([220.0, 220.0, 180.0], shape),
            codes: AxisCodes::RAS,
            noise: 18.0,
            ..Self::ct(shape)
        }
    }

    /// The grid: centred on the patient.
    #[must_use]
    pub fn grid(&self) -> Grid {
        let turn = rotation(self.tilt);
        let mut linear = [[0.0; 3]; 3];
        for axis in 0..3 {
            let ras = self.codes.ras_axis[axis];
            let step = if self.codes.flipped[axis] {
                -self.spacing_mm[axis]
            } else {
                self.spacing_mm[axis]
            };
            for (row, turned) in linear.iter_mut().zip(turn) {
                row[axis] = turned[ras] * step;
            }
        }
        let middle = self.shape.map(|it| (it as f64 - 1.0) / 2.0);
        let origin = Affine::new(linear, [0.0; 3]).apply(middle).map(|it| -it);
        Grid { shape: self.shape, ras_from_voxel: Affine::new(linear, origin) }
    }
}

fn spacing_of(field_mm: [f64; 3], shape: [usize; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| field_mm[axis] / shape[axis].max(1) as f64)
}

/// A labelled object of a phantom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhantomLabel {
    /// Its value in the labelmap.
    pub value: u8,
    /// What it is.
    pub name: &'static str,
    /// Whether it is a lesion rather than an organ.
    pub is_lesion: bool,
}

/// A made-up image and its truth.
#[derive(Debug, Clone)]
pub struct Phantom {
    /// The image, 16-bit integers.
    pub volume: Volume,
    /// The truth on the same grid.
    pub labelmap: Labelmap,
    /// What the labels mean; small grids may not show each.
    pub labels: Vec<PhantomLabel>,
}

/// Makes a phantom. The same options give the same voxels on every machine.
#[must_use]
pub fn phantom(options: &PhantomOptions) -> Phantom {
    let grid = options.grid();
    let (voxels, labelmap, labels) = match options.kind {
        PhantomKind::CtAbdomen => abdomen::scan(options, &grid),
        PhantomKind::MrBrain => brain::scan(options, &grid),
    };
    let header = SourceHeader::for_grid(&grid);
    let (slope, intercept) = (1.0, 0.0);
    let voxels = Voxels::I16(voxels);
    let volume = Volume { grid, voxels, slope, intercept, n_frames: 1, frame: 0, header };
    Phantom { volume, labelmap, labels }
}

/// The sample image that the page and the command line offer: a CT of the abdomen as `.nii.gz`.
///
/// # Errors
/// None in practice: memory takes every write.
pub fn sample_file() -> Result<Vec<u8>, WriteError> {
    let sample = phantom(&PhantomOptions::ct([256, 256, 64]));
    let mut bytes = Vec::new();
    write_volume(&sample.volume, MaskFormat::NiftiGz, &mut bytes)?;
    Ok(bytes)
}

/// Rounds to the nearest 16-bit integer.
#[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
fn to_i16(intensity: f32) -> i16 {
    intensity.round() as i16
}
