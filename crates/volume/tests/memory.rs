//! Memory is bounded by what a file holds, not by what it declares. One test: its allocator counts
//! for the whole process.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test")]

use std::{alloc::System, io::Write};

use cap::Cap;
use flate2::{Compression, write::GzEncoder};
use volume::{
    Affine, Grid, MaskFormat, ReadOptions, SourceHeader, Volume, Voxels, read_bytes, rle, survey,
    write_volume,
};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const MIB: usize = 1 << 20;

/// Runs `work` with `most` bytes of memory besides what is taken already; more ends the process.
fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    MEMORY.set_limit(MEMORY.allocated() + most).unwrap();
    let answer = work();
    MEMORY.set_limit(usize::MAX).unwrap();
    answer
}

/// An image of 5 × 4 × 3 voxels, its header changed to another shape, zeros behind it.
fn file(shape: [i16; 3], n_zeros: usize) -> Vec<u8> {
    let grid = Grid { shape: [5, 4, 3], ras_from_voxel: Affine::IDENTITY };
    let header = SourceHeader::for_grid(&grid);
    let voxels = Voxels::U8(vec![1; 60]);
    let volume = Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header };
    let mut bytes = Vec::new();
    write_volume(&volume, MaskFormat::Nifti, &mut bytes).unwrap();
    for (at, length) in [42, 44, 46].into_iter().zip(shape) {
        bytes[at..at + 2].copy_from_slice(&length.to_le_bytes());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes).unwrap();
    let zeros = vec![0; MIB];
    for _ in 0..n_zeros / MIB {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn memory_follows_the_file_and_not_its_header() {
    let options = ReadOptions::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.nii.gz");

    // 7.5 GiB declared, 100 MiB there: a file of 100 kB that could expand so far is read until it
    // ends, a short one is refused at once.
    let short = file([2000, 2000, 2000], 0);
    let error = within(4 * MIB, || read_bytes(&short, "a", &options)).unwrap_err();
    assert_eq!(error.field(), Some("voxels"), "{error}");
    let mut long = file([2000, 2000, 2000], 100 * MIB);
    long.resize(8 * MIB, 0);
    let error = within(256 * MIB, || read_bytes(&long, "a", &options)).unwrap_err();
    assert_eq!(error.field(), Some("voxels"), "{error}");
    std::fs::write(&path, &long).unwrap();
    let error = within(16 * MIB, || survey(&path, "a", &options)).unwrap_err();
    assert_eq!(error.field(), Some("voxels"), "{error}");

    // A small image in front of 256 MiB of zeros: they are never decompressed.
    let bomb = file([5, 4, 3], 256 * MIB);
    let error = within(4 * MIB, || read_bytes(&bomb, "a", &options)).unwrap_err();
    assert!(matches!(error, volume::ReadError::Trailing { field: "dim" }), "{error}");

    // A mask of 8 Gi voxels in one run: refused where the grid is smaller.
    let mask = [b"VXR1".as_slice(), &[0, 8, 0, 0].repeat(3), &[0x80, 0x80, 0x80, 0x80, 0x20, 1]];
    let mask = mask.concat();
    assert_eq!(rle::shape(&mask), Ok([2048; 3]));
    let refused = within(MIB, || rle::decode(&mask, 1 << 20)).unwrap_err();
    assert_eq!(refused, rle::RleError::Shape([2048; 3]));
    // And one that a grid would take, but that ends too soon: nothing is allocated.
    let cut = &mask[..mask.len() - 1];
    assert_eq!(within(MIB, || rle::decode(cut, usize::MAX)), Err(rle::RleError::Truncated));
}
