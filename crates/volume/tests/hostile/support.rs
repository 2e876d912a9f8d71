//! Small files, and their bytes changed.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use volume::{
    Affine, Grid, MaskFormat, ReadError, ReadOptions, SourceHeader, Volume, Voxels, read_bytes,
    write_volume,
};

pub(crate) fn small_volume(shape: [usize; 3]) -> Volume {
    let linear = [[-0.7, 0.1, 0.0], [0.1, -0.7, 0.2], [0.0, 0.1, 3.0]];
    let grid = Grid { shape, ras_from_voxel: Affine::new(linear, [10.0, -20.0, 30.0]) };
    let voxels = Voxels::I16((0..).take(grid.n_voxels()).collect());
    let header = SourceHeader::for_grid(&grid);
    Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header }
}

pub(crate) fn file(format: MaskFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_volume(&small_volume([5, 4, 3]), format, &mut bytes).unwrap();
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn read(bytes: &[u8]) -> Result<Volume, ReadError> {
    read_bytes(bytes, "image.nii", &ReadOptions { frame: 0, max_bytes: 1 << 34 })
}

/// A NIfTI-1 file with other bytes at one place.
pub(crate) fn nifti_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file(MaskFormat::Nifti);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[track_caller]
pub(crate) fn check_refused(bytes: &[u8], field: &str) {
    let error = read(bytes).unwrap_err();
    assert_eq!(error.field(), Some(field), "{error}");
    let error = read(&gzip(bytes)).unwrap_err();
    assert_eq!(error.field(), Some(field), "compressed: {error}");
}
