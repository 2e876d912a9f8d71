//! Axes, directions and origin of an NRRD file.

use super::fields::Fields;
use crate::{Affine, Grid, ReadError, grid::MAX_LENGTH};

/// The space in which an NRRD header gives directions and origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NrrdSpace {
    /// `right-anterior-superior`.
    Ras,
    /// `left-anterior-superior`.
    Las,
    /// `left-posterior-superior`.
    Lps,
    /// `scanner-xyz`, taken as LPS like ITK does.
    ScannerXyz,
    /// None named (`space dimension`, or no orientation at all), taken as LPS like ITK does.
    Unnamed,
}

impl NrrdSpace {
    fn parse(text: &str) -> Result<Self, ReadError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "right-anterior-superior" | "ras" => Self::Ras,
            "left-anterior-superior" | "las" => Self::Las,
            "left-posterior-superior" | "lps" => Self::Lps,
            "scanner-xyz" => Self::ScannerXyz,
            "3d-right-handed" | "3d-left-handed" => Self::Unnamed,
            _ => {
                let expected = "expected right-anterior-superior, left-anterior-superior or \
                                left-posterior-superior";
                return Err(ReadError::bad("space", format!("{text:?}"), expected));
            }
        })
    }

    /// How the header spells it.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Ras => Some("right-anterior-superior"),
            Self::Las => Some("left-anterior-superior"),
            Self::Lps => Some("left-posterior-superior"),
            Self::ScannerXyz => Some("scanner-xyz"),
            Self::Unnamed => None,
        }
    }

    /// Signs that turn a point of this space to RAS.
    fn ras_signs(self) -> [f64; 3] {
        match self {
            Self::Ras => [1.0, 1.0, 1.0],
            Self::Las => [-1.0, 1.0, 1.0],
            Self::Lps | Self::ScannerXyz | Self::Unnamed => [-1.0, -1.0, 1.0],
        }
    }
}

/// Where the voxels of an NRRD file lie, in the header's own numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct NrrdGeometry {
    /// Shape and affine.
    pub grid: Grid,
    /// The space of the vectors below.
    pub space: NrrdSpace,
    /// One step along (i, j, k), each a vector in that space.
    pub directions: [[f64; 3]; 3],
    /// The first voxel's centre in that space.
    pub origin: [f64; 3],
}

impl NrrdGeometry {
    /// The vectors, in LPS, of a grid that did not come from NRRD.
    #[must_use]
    pub fn for_grid(grid: &Grid) -> Self {
        let space = NrrdSpace::Lps;
        let lps = |vector: [f64; 3]| times(vector, space.ras_signs());
        Self {
            grid: *grid,
            space,
            directions: [0, 1, 2].map(|axis| lps(grid.ras_from_voxel.column(axis))),
            origin: lps(grid.ras_from_voxel.origin()),
        }
    }
}

fn times(vector: [f64; 3], signs: [f64; 3]) -> [f64; 3] {
    // Adding zero turns -0 into 0, which reads better in a header.
    std::array::from_fn(|axis| vector[axis] * signs[axis] + 0.0)
}

/// More values in each voxel are no image.
const MAX_INTERLEAVED: usize = 1 << 16;

/// Which of the file's axes are spatial, and how frames are stored.
pub(super) struct Axes {
    /// Length of the spatial axes; 1 for a missing third.
    pub(super) shape: [usize; 3],
    /// Positions of the spatial axes in the file.
    spatial: Vec<usize>,
    pub(super) n_frames: usize,
    pub(super) is_interleaved: bool,
}

impl Axes {
    pub(super) fn of(fields: &Fields) -> Result<Self, ReadError> {
        let n_dims = dimension(fields)?;
        let sizes = sizes(fields, n_dims)?;
        let spatial = spatial_axes(fields, n_dims)?;
        if !(2..=3).contains(&spatial.len()) {
            let found = format!("{} spatial axes", spatial.len());
            return Err(ReadError::bad("space directions", found, "expected 2 or 3"));
        }
        let (first, last) = (spatial[0], spatial[spatial.len() - 1]);
        let others: Vec<usize> = (0..n_dims).filter(|it| !spatial.contains(it)).collect();
        let is_interleaved = others.iter().any(|&it| it < first && sizes[it] > 1);
        let is_planar = others.iter().any(|&it| it > last && sizes[it] > 1);
        let is_between = others.iter().any(|it| (first..last).contains(it) && sizes[*it] > 1);
        if is_between || (is_interleaved && is_planar) {
            let expected = "expected the axes without direction before or behind the spatial ones";
            return Err(ReadError::bad("space directions", "mixed", expected));
        }
        let mut shape = [1; 3];
        for (length, &axis) in shape.iter_mut().zip(&spatial) {
            *length = sizes[axis];
        }
        let n_frames: usize = others.iter().map(|&it| sizes[it]).product();
        if is_interleaved && n_frames > MAX_INTERLEAVED {
            let found = format!("{n_frames} values in each voxel");
            let expected = format!("expected at most {MAX_INTERLEAVED}");
            return Err(ReadError::bad("sizes", found, expected));
        }
        Ok(Self { shape, spatial, n_frames, is_interleaved })
    }
}

fn dimension(fields: &Fields) -> Result<usize, ReadError> {
    let text = fields.required("dimension")?;
    text.parse()
        .ok()
        .filter(|it| (2..=16).contains(it))
        .ok_or_else(|| ReadError::bad("dimension", format!("{text:?}"), "expected 2 to 16"))
}

fn sizes(fields: &Fields, n_dims: usize) -> Result<Vec<usize>, ReadError> {
    let text = fields.required("sizes")?;
    let bad = || {
        let expected = format!("expected {n_dims} numbers from 1 to {MAX_LENGTH}, fewer voxels");
        ReadError::bad("sizes", format!("{text:?}"), expected)
    };
    let length = |text: &str| text.parse().ok().filter(|it| (1..=MAX_LENGTH).contains(it));
    let sizes: Option<Vec<usize>> = text.split_whitespace().map(length).collect();
    let sizes = sizes.filter(|it| it.len() == n_dims).ok_or_else(bad)?;
    let total = sizes.iter().try_fold(8_usize, |product, &it| product.checked_mul(it));
    total.map(|_| sizes.clone()).ok_or_else(bad)
}

/// Axes with a direction; without directions those that `kinds` calls so, else the first three.
fn spatial_axes(fields: &Fields, n_dims: usize) -> Result<Vec<usize>, ReadError> {
    let kinds: Vec<String> = fields
        .get("kinds")
        .map(|it| it.split_whitespace().map(str::to_ascii_lowercase).collect())
        .unwrap_or_default();
    if let Some(kind) = kinds.iter().find(|it| it.ends_with("-color")) {
        return Err(ReadError::bad("kinds", kind, "expected no colour"));
    }
    if !kinds.is_empty() && kinds.len() != n_dims {
        let found = format!("{} kinds", kinds.len());
        return Err(ReadError::bad("kinds", found, format!("expected {n_dims}")));
    }
    if let Some(text) = fields.get("space directions") {
        let vectors = vectors("space directions", text)?;
        if vectors.len() != n_dims {
            let expected = format!("expected {n_dims}");
            let found = format!("{} vectors", vectors.len());
            return Err(ReadError::bad("space directions", found, expected));
        }
        return Ok((0..n_dims).filter(|&it| vectors[it].is_some()).collect());
    }
    let is_spatial = |kind: &String| matches!(kind.as_str(), "domain" | "space" | "???" | "none");
    let mut spatial: Vec<usize> = match kinds.len() == n_dims {
        true => (0..n_dims).filter(|&it| is_spatial(&kinds[it])).collect(),
        false => (0..n_dims).collect(),
    };
    spatial.truncate(3);
    Ok(spatial)
}

/// `(a,b,c)` or `none`, several of them.
fn vectors(field: &'static str, text: &str) -> Result<Vec<Option<Vec<f64>>>, ReadError> {
    let bad =
        || ReadError::bad(field, format!("{text:?}"), "expected vectors like (1,0,0) or none");
    let mut vectors = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix("none") {
            vectors.push(None);
            rest = tail.trim_start();
            continue;
        }
        let (inside, tail) =
            rest.strip_prefix('(').and_then(|it| it.split_once(')')).ok_or_else(bad)?;
        let numbers: Result<Vec<f64>, _> = inside.split(',').map(|it| it.trim().parse()).collect();
        vectors.push(Some(numbers.ok().ok_or_else(bad)?));
        rest = tail.trim_start();
    }
    Ok(vectors)
}

pub(super) fn geometry(fields: &Fields, axes: &Axes) -> Result<NrrdGeometry, ReadError> {
    let space = fields.get("space").map_or(Ok(NrrdSpace::Unnamed), NrrdSpace::parse)?;
    let directions = match fields.get("space directions") {
        Some(text) => directions(text)?,
        None => from_spacings(fields, axes)?,
    };
    let origin = match fields.get("space origin") {
        Some(text) => {
            let origin = vectors("space origin", text)?.into_iter().next().flatten();
            point("space origin", &origin.unwrap_or_default())?
        }
        None => [0.0; 3],
    };
    let signs = space.ras_signs();
    let columns = directions.map(|it| times(it, signs));
    let linear = std::array::from_fn(|row| std::array::from_fn(|axis| columns[axis][row]));
    let ras_from_voxel = Affine::new(linear, times(origin, signs));
    if let Some(fault) = ras_from_voxel.fault() {
        let field = match fields.get("space directions") {
            _ if fault.is_of_origin() => "space origin",
            Some(_) => "space directions",
            None => "spacings",
        };
        return Err(ReadError::bad(field, fault.found(), fault.expected()));
    }
    Ok(NrrdGeometry { grid: Grid { shape: axes.shape, ras_from_voxel }, space, directions, origin })
}

/// A point or vector; a plane one gets a third coordinate of 0.
fn point(field: &'static str, numbers: &[f64]) -> Result<[f64; 3], ReadError> {
    match *numbers {
        [x, y] => Ok([x, y, 0.0]),
        [x, y, z] => Ok([x, y, z]),
        _ => {
            let found = format!("{} numbers", numbers.len());
            Err(ReadError::bad(field, found, "expected 2 or 3"))
        }
    }
}

/// Directions of the spatial axes; a missing third stands upright on the others, 1 mm long.
fn directions(text: &str) -> Result<[[f64; 3]; 3], ReadError> {
    let field = "space directions";
    let given: Vec<[f64; 3]> = vectors(field, text)?
        .iter()
        .flatten()
        .map(|it| point(field, it))
        .collect::<Result<_, _>>()?;
    match *given.as_slice() {
        [i, j, k] => Ok([i, j, k]),
        [i, j] => {
            let cross =
                [i[1] * j[2] - i[2] * j[1], i[2] * j[0] - i[0] * j[2], i[0] * j[1] - i[1] * j[0]];
            let length = crate::affine::norm(cross);
            Ok([i, j, cross.map(|it| it / length)])
        }
        _ => Err(ReadError::bad(field, format!("{} vectors", given.len()), "expected 2 or 3")),
    }
}

fn from_spacings(fields: &Fields, axes: &Axes) -> Result<[[f64; 3]; 3], ReadError> {
    let mut spacing = [1.0; 3];
    if let Some(text) = fields.get("spacings") {
        let given: Vec<&str> = text.split_whitespace().collect();
        for (length, &axis) in spacing.iter_mut().zip(&axes.spatial) {
            let number: Option<f64> = given.get(axis).and_then(|it| it.parse().ok());
            let number = number.ok_or_else(|| {
                ReadError::bad("spacings", format!("{text:?}"), "expected numbers")
            })?;
            // NaN is the format's word for "unknown".
            *length = if number.is_nan() { 1.0 } else { number };
        }
    }
    let [x, y, z] = spacing;
    Ok([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]])
}
