//! Measures of objects: volume, intensities, extent, area per slice and the diameters of RECIST 1.1.
//!
//! # Conventions
//! A voxel has the volume of its parallelepiped. The object's border on a slice is the outline
//! through the points half-way between a voxel of the object and a neighbour outside it; diameters
//! run between points of that outline, so that a single voxel is as wide as a voxel ([`Diameter`]).
//! The surface area counts how often lines in thirteen directions cross the border ([`surface_mm2`]).

mod diameter;
mod intensity;
mod outline;
mod surface;

use std::ops::RangeInclusive;

pub use diameter::{Diameter, Diameters, diameters};
pub use intensity::{Intensities, intensities};
pub use surface::surface_mm2;

use crate::{Grid, Labelmap, Volume, display::Plane, volume::plane_axes};

/// What is measured of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    /// Its label.
    pub label: u8,
    /// Its voxels.
    pub n_voxels: usize,
    /// Its volume in millilitres.
    pub volume_ml: f64,
    /// Its surface in square millimetres.
    pub surface_mm2: f64,
    /// What its voxels hold; `None` where none of them holds a finite number.
    pub intensities: Option<Intensities>,
    /// Its first voxel along each axis.
    pub first: [usize; 3],
    /// Its last voxel along each axis.
    pub last: [usize; 3],
    /// The mean of its voxels' centres, in millimetres of RAS.
    pub centroid_mm: [f64; 3],
    /// The stored axis nearest to head–foot: areas and diameters belong to slices along it.
    pub axis: usize,
    /// The longest diameter on any slice along `axis`, and the longest perpendicular to it there.
    pub diameters: Option<Diameters>,
    /// Its area on each slice along `axis`, from its first to its last.
    pub areas: Vec<SliceArea>,
}

/// An object's area on a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceArea {
    /// The slice.
    pub slice_index: usize,
    /// The area in square millimetres.
    pub area_mm2: f64,
}

/// One object, cut out of its labelmap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The voxel of the labelmap that is the cut's first.
    pub origin: [usize; 3],
    /// 1 inside the object, 0 outside.
    pub mask: Labelmap,
}

impl Part {
    /// The object inside inclusive bounds.
    ///
    /// # Panics
    /// If the bounds reach past the grid.
    #[must_use]
    pub fn new(labelmap: &Labelmap, label: u8, bounds: &[RangeInclusive<usize>; 3]) -> Self {
        let mut mask = labelmap.crop(bounds);
        for voxel in &mut mask.voxels {
            *voxel = u8::from(*voxel == label);
        }
        Self { origin: bounds.each_ref().map(|it| *it.start()), mask }
    }
}

/// Measures every object of a labelmap, labels ascending. Of an image with several frames `volume`
/// is the one to take intensities from.
///
/// # Panics
/// If labelmap and volume do not have the same shape.
#[must_use]
pub fn measure(labelmap: &Labelmap, volume: &Volume) -> Vec<Measures> {
    assert_eq!(labelmap.shape, volume.grid.shape, "a mask of another image");
    let boxes = labelmap.bounding_boxes();
    boxes
        .into_iter()
        .map(|(label, bounds)| measure_object(labelmap, volume, label, &bounds))
        .collect()
}

fn measure_object(
    labelmap: &Labelmap,
    volume: &Volume,
    label: u8,
    bounds: &[RangeInclusive<usize>; 3],
) -> Measures {
    let grid = &volume.grid;
    let part = Part::new(labelmap, label, bounds);
    let axis = grid.axis_codes().stored_axis(Plane::Axial.ras_axis());
    let counts = [0, 1, 2].map(|it| part.mask.slice_counts(it, 1));
    let n_voxels = counts[0].iter().sum::<usize>();
    let mean = |axis: usize| {
        let sum: f64 =
            (part.origin[axis]..).zip(&counts[axis]).map(|(at, &n)| at as f64 * n as f64).sum();
        sum / n_voxels as f64
    };
    let pixel_mm2 = pixel_mm2(grid, axis);
    let areas = (part.origin[axis]..)
        .zip(&counts[axis])
        .map(|(slice_index, &n)| SliceArea { slice_index, area_mm2: n as f64 * pixel_mm2 })
        .collect();
    Measures {
        label,
        n_voxels,
        volume_ml: n_voxels as f64 * grid.voxel_mm3() / 1000.0,
        surface_mm2: surface_mm2(&part.mask, grid),
        intensities: intensities(volume, &part),
        first: part.origin,
        last: bounds.each_ref().map(|it| *it.end()),
        centroid_mm: grid.ras_from_voxel.apply([mean(0), mean(1), mean(2)]),
        axis,
        diameters: diameters(&part, grid, axis),
        areas,
    }
}

/// The area of a pixel of slices along `axis`, also where their axes are not at right angles.
fn pixel_mm2(grid: &Grid, axis: usize) -> f64 {
    let plane = diameter::PlaneMm::new(grid, plane_axes(axis));
    plane.pixel_mm2()
}
