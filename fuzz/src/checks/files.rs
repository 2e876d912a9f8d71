//! Any bytes as an image file.
//!
//! Read from memory and from a path, read whole and surveyed: all four say the same. What was read
//! can be shown, cut, turned, written and read again.

use std::{fmt::Write as _, io::Write};

use flate2::{Compression, write::GzEncoder};
use volume::{
    AxisCodes, Distribution, Header, Labelmap, MaskFormat, Palette, ReadError, ReadOptions, Volume,
    Window,
    display::DisplayMap,
    measure::measure,
    read, read_bytes, read_header, render, rle,
    surface::{SurfaceOptions, surface},
    survey, write_mask, write_volume,
};

/// Voxels up to which everything is tried that can be done with an image.
const MAX_TRIED: usize = 1 << 14;

/// The first byte says how the others become a file: compressed or not, and which frame is read.
pub fn check(input: &[u8]) {
    let Some((&mode, bytes)) = input.split_first() else {
        return;
    };
    let file = match mode & 3 {
        0 => bytes.to_vec(),
        1 => gzip(bytes),
        2 => {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            [gzip(first), gzip(second)].concat()
        }
        _ => with_gzip_voxels(bytes),
    };
    let max_bytes = if mode & 16 == 0 { 1 << 16 } else { ReadOptions::default().max_bytes };
    check_file(&file, &ReadOptions { frame: u32::from(mode >> 2 & 3), max_bytes }, mode >> 5);
}

/// What is tried with a file besides reading it from memory: each takes as long as all the rest.
const FROM_PATH: u8 = 1;
const WRITTEN: u8 = 2;
const SHOWN: u8 = 4;

/// A file in which only what lies behind the first empty line is compressed, as in NRRD.
fn with_gzip_voxels(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.windows(2).position(|it| it == b"\n\n").map_or(bytes.len(), |it| it + 2);
    [&bytes[..end], &gzip(&bytes[end..])].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Reads a file; `tried` says what else is done with it.
pub(crate) fn check_file(bytes: &[u8], options: &ReadOptions, tried: u8) {
    let volume = read_bytes(bytes, "image.nii.gz", options);
    if tried & FROM_PATH != 0 {
        check_from_path(bytes, options, &volume);
    }
    match volume {
        Ok(volume) => check_volume(&volume, tried),
        Err(error) => assert!(said(&error).len() < 1000),
    }
}

/// Reads the same bytes from a path in every way; they must agree.
fn check_from_path(bytes: &[u8], options: &ReadOptions, volume: &Result<Volume, ReadError>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let (path, name) = (file.path(), "image.nii.gz");
    let header = read_header(path, name);
    match (volume, read(path, name, options), survey(path, name, options)) {
        (Ok(volume), Ok(from_path), Ok((surveyed, distribution))) => {
            assert_eq!(volume.voxels.as_bytes(), from_path.voxels.as_bytes());
            let header = header.expect("the header of a file that can be read");
            check_survey(volume, &surveyed, &header, &distribution);
        }
        (Err(from_memory), Err(from_path), Err(surveyed)) => {
            let from_memory = said(from_memory);
            assert_eq!(from_memory, said(&from_path));
            assert_eq!(from_memory, said(&surveyed));
            if let Err(header) = header {
                assert_eq!(from_memory, said(&header));
            }
        }
        all => panic!("some can read it, some cannot: {all:?}"),
    }
}

/// What an error tells a person: short, and with the field where there is one.
fn said(error: &ReadError) -> String {
    let mut text = error.to_string();
    if let Some(field) = error.field() {
        write!(text, " ({field})").unwrap();
    }
    text
}

fn check_survey(volume: &Volume, surveyed: &Header, header: &Header, distribution: &Distribution) {
    assert_eq!(volume.grid, surveyed.grid);
    assert_eq!(header.grid, surveyed.grid);
    assert_eq!(volume.voxels.voxel_type(), surveyed.voxel_type);
    let bits = |range: Option<[f64; 2]>| range.map(|it| it.map(f64::to_bits));
    assert_eq!(bits(distribution.range()), bits(volume.intensity_range()));
    let percentages = [0.0, 0.5, 50.0, 99.5, 100.0];
    let surveyed = distribution.percentiles(&percentages);
    for (a, b) in surveyed.iter().zip(volume.percentiles(&percentages)) {
        assert_eq!(a.to_bits(), b.to_bits());
        // They travel as JSON, which has no word for infinity.
        assert!(a.is_finite(), "{a}");
    }
    assert!(distribution.range().into_iter().flatten().all(f64::is_finite));
}

/// What can be done with an image that was read.
fn check_volume(volume: &Volume, tried: u8) {
    let grid = &volume.grid;
    assert_eq!(volume.voxels.len(), grid.n_voxels());
    let voxel_from_ras = grid.voxel_from_ras().expect("a regular affine");
    let numbers = grid.ras_from_voxel.rows.iter().chain(&voxel_from_ras.rows).flatten();
    assert!(numbers.copied().all(f64::is_finite));
    assert!(grid.spacing_mm().iter().all(|it| it.is_finite() && *it > 0.0));
    if grid.n_voxels() > MAX_TRIED {
        return;
    }
    let mask = pattern(grid.shape);
    check_turns(volume, &mask);
    if tried & SHOWN != 0 {
        check_pictures(volume, &mask);
    }
    if tried & WRITTEN != 0 {
        check_masks_written(volume, &mask);
        check_volume_written(volume);
    }
    if let Ok(labels) = Labelmap::from_volume(volume) {
        assert_eq!(rle::decode(&rle::encode(&labels), MAX_TRIED).unwrap(), labels);
    }
}

/// A mask that holds every label somewhere, and long runs of background.
fn pattern(shape: [usize; 3]) -> Labelmap {
    let n_voxels = shape.iter().product::<usize>();
    let label = |it: usize| if it % 7 < 4 { 0 } else { u8::try_from(it % 256).unwrap() };
    Labelmap::from_voxels(shape, (0..n_voxels).map(label).collect()).unwrap()
}

fn check_pictures(volume: &Volume, mask: &Labelmap) {
    let shape = volume.shape();
    let window = Window::suggest(volume);
    let palette = Palette::default();
    let overlay = render::Overlay { labelmap: mask, palette: &palette };
    for (axis, length) in shape.into_iter().enumerate() {
        let map = DisplayMap::new(&volume.grid, axis);
        let last = length - 1;
        let shown = map.show(&volume.slice(axis, last));
        assert_eq!([shown.width, shown.height], map.size());
        for index in [0, last] {
            render::slice_png(volume, Some(overlay), axis, index, window).unwrap();
        }
        render::slice_png(volume, None, axis, length, window).unwrap_err();
    }
    render::thumbnail_png(volume, None).unwrap();
    render::thumbnail_png(volume, Some(overlay)).unwrap();
    render::contact_sheet(volume, mask).unwrap();
    check_measures(volume, mask);
    let middle = shape.map(|it| it / 2..it);
    assert_eq!(
        volume.crop(middle.clone()).len(),
        middle.iter().map(ExactSizeIterator::len).product::<usize>()
    );
}

/// However odd the grid: what is measured are numbers, and surfaces are closed.
fn check_measures(volume: &Volume, mask: &Labelmap) {
    for it in measure(mask, volume).into_iter().take(3) {
        let [longest, across] =
            it.diameters.map(|it| [it.longest.mm, it.perpendicular.mm]).unwrap_or_default();
        let numbers = [it.volume_ml, it.surface_mm2, longest, across].into_iter();
        assert!(numbers.chain(it.centroid_mm).all(f64::is_finite));
        assert!(it.intensities.is_none_or(|it| it.mean.is_finite() && it.median.is_finite()));
        assert!(across <= longest * 1.000_001);
        let mesh = surface(mask, &volume.grid, it.label, &SurfaceOptions::default());
        assert!(mesh.triangles.len().is_multiple_of(2) && !mesh.triangles.is_empty());
    }
}

fn check_turns(volume: &Volume, mask: &Labelmap) {
    for codes in ["RAS", "LPS", "SAL", "IRP"].map(|it| it.parse::<AxisCodes>().unwrap()) {
        let turned = volume.reoriented(codes);
        if turned.axis_codes() != codes {
            // Two axes halfway between two directions: the first stored one takes its choice, here
            // and in nibabel, and that is another one now.
            continue;
        }
        let back = turned.reoriented(volume.axis_codes());
        assert_eq!(back.voxels.as_bytes(), volume.voxels.as_bytes());
        let labels = mask.reoriented(&volume.grid, codes);
        assert_eq!(labels.reoriented(&turned.grid, volume.axis_codes()), *mask);
    }
}

fn check_masks_written(volume: &Volume, mask: &Labelmap) {
    for format in [MaskFormat::Nifti, MaskFormat::NiftiGz, MaskFormat::Nrrd] {
        let mut bytes = Vec::new();
        write_mask(mask, &volume.header, format, &mut bytes).unwrap();
        let written = read_bytes(&bytes, "mask", &ReadOptions::default()).unwrap();
        assert_eq!(Labelmap::from_volume(&written).unwrap(), *mask);
        check_same_place(volume, &written);
    }
}

/// NIfTI-1 keeps 32 bits of what NRRD may write with 64.
fn check_same_place(volume: &Volume, written: &Volume) {
    let spacing = volume.grid.spacing_mm();
    let (from, to) = (volume.grid.ras_from_voxel.rows, written.grid.ras_from_voxel.rows);
    for (from, to) in from.iter().zip(&to) {
        for axis in 0..4 {
            let scale = if axis < 3 { spacing[axis] } else { from[3].abs().max(1e-6) };
            assert!((from[axis] - to[axis]).abs() <= 1e-6 * scale, "{from:?} became {to:?}");
        }
    }
}

fn check_volume_written(volume: &Volume) {
    for format in [MaskFormat::Nifti, MaskFormat::Nrrd] {
        let mut bytes = Vec::new();
        if write_volume(volume, format, &mut bytes).is_err() {
            assert!(format == MaskFormat::Nrrd && !volume.is_unscaled());
            continue;
        }
        let written = read_bytes(&bytes, "copy", &ReadOptions::default()).unwrap();
        assert_eq!(written.voxels.as_bytes(), volume.voxels.as_bytes());
        assert_eq!((written.slope, written.intercept), (volume.slope, volume.intercept));
    }
}
