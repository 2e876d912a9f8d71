//! Whatever bytes come in, reading answers with a volume or an error: it never panics, and never
//! takes memory that the file cannot fill.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test")]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use volume::{
    Affine, Grid, MaskFormat, ReadError, ReadOptions, SourceHeader, Volume, Voxels, read_bytes,
    write_volume,
};

fn small_volume(shape: [usize; 3]) -> Volume {
    let linear = [[-0.7, 0.1, 0.0], [0.1, -0.7, 0.2], [0.0, 0.1, 3.0]];
    let grid = Grid { shape, ras_from_voxel: Affine::new(linear, [10.0, -20.0, 30.0]) };
    let voxels = Voxels::I16((0..).take(grid.n_voxels()).collect());
    let header = SourceHeader::for_grid(&grid);
    Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header }
}

fn file(format: MaskFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_volume(&small_volume([5, 4, 3]), format, &mut bytes).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Volume, ReadError> {
    read_bytes(bytes, "image.nii", &ReadOptions { frame: 0, max_bytes: 1 << 34 })
}

/// A NIfTI-1 file with other bytes at one place.
fn nifti_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file(MaskFormat::Nifti);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[track_caller]
fn check_refused(bytes: &[u8], field: &str) {
    let error = read(bytes).unwrap_err();
    assert_eq!(error.field(), Some(field), "{error}");
    let error = read(&gzip(bytes)).unwrap_err();
    assert_eq!(error.field(), Some(field), "compressed: {error}");
}

#[test]
fn header_fields_that_cannot_be_are_named() {
    let shorts = |values: &[i16]| values.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
    let float = f32::to_le_bytes;
    check_refused(&nifti_with(40, &shorts(&[0])), "dim[0]");
    check_refused(&nifti_with(40, &shorts(&[8])), "dim[0]");
    check_refused(&nifti_with(42, &shorts(&[-5])), "dim[1]");
    check_refused(&nifti_with(46, &shorts(&[0])), "dim[3]");
    check_refused(
        &nifti_with(40, &shorts(&[7, 32767, 32767, 32767, 32767, 32767, 32767, 32767])),
        "dim",
    );
    check_refused(&nifti_with(70, &shorts(&[128])), "datatype");
    check_refused(&nifti_with(108, &float(4.0)), "vox_offset");
    check_refused(&nifti_with(108, &float(352.5)), "vox_offset");
    check_refused(&nifti_with(108, &float(f32::NAN)), "vox_offset");
    check_refused(&nifti_with(108, &float(1e9)), "vox_offset");
    check_refused(&nifti_with(108, &float(-352.0)), "vox_offset");
    check_refused(&nifti_with(116, &float(f32::NAN)), "scl_inter");
    check_refused(&nifti_with(280, &float(f32::NAN)), "srow");
    check_refused(&nifti_with(280, &[0; 48]), "srow");
    check_refused(&nifti_with(344, b"ni1\0"), "magic");
    check_refused(&nifti_with(344, b"\0\0\0\0"), "magic");
    let mut qform = nifti_with(256, &float(1.5));
    qform[254] = 0;
    check_refused(&qform, "quatern");
}

#[test]
fn a_file_cut_short_is_said_to_be() {
    let whole = file(MaskFormat::Nifti);
    for length in [4, 100, 347] {
        assert_eq!(read(&whole[..length]).unwrap_err().field(), Some("header"), "{length} bytes");
    }
    check_refused(&whole[..whole.len() - 1], "voxels");
    let compressed = gzip(&whole);
    for length in [12, 40, compressed.len() - 9, compressed.len() - 1] {
        let error = read(&compressed[..length]).unwrap_err();
        let is_damage = matches!(error, ReadError::Damaged(_) | ReadError::Truncated { .. });
        assert!(is_damage, "{length} bytes: {error:?}");
    }
}

#[test]
fn a_small_file_cannot_claim_much_memory() {
    // 16 GiB of voxels, in a file of a few hundred bytes.
    let dims: Vec<u8> = [3_i16, 2048, 2048, 2048].iter().flat_map(|it| it.to_le_bytes()).collect();
    let claims = nifti_with(40, &dims);
    check_refused(&claims, "voxels");
    let options = ReadOptions { frame: 0, max_bytes: 1 << 30 };
    let error = read_bytes(&claims, "image.nii", &options).unwrap_err();
    assert_eq!(error.field(), Some("dim"));
    assert_eq!(
        error.to_string(),
        "the voxels of one frame take 17179869184 bytes, more than the limit of 1073741824"
    );
}

#[test]
fn a_wrong_checksum_is_noticed() {
    let mut compressed = gzip(&file(MaskFormat::Nifti));
    let at = compressed.len() - 6;
    compressed[at] ^= 0x40;
    assert!(matches!(read(&compressed), Err(ReadError::Damaged(_))));
}

#[test]
fn foreign_files_are_named() {
    let found = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    let dicom = [&[0; 128], b"DICM".as_slice(), &[2, 0, 0, 0]].concat();
    for (bytes, kind) in [
        (b"\x89PNG\r\n\x1a\n".as_slice(), "a PNG picture"),
        (dicom.as_slice(), "a DICOM file"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"just a note", "text"),
        (b"", "an empty file"),
        (b"\x01\x02\x03\x00\x05", "content of no known kind"),
    ] {
        assert_eq!(found(bytes), format!("not a NIfTI or NRRD volume: {kind}"));
    }
    let expected = "not a NIfTI or NRRD volume: a PNG picture, inside gzip";
    assert_eq!(found(&gzip(b"\x89PNG\r\n\x1a\n")), expected);
    let pair = read_bytes(&[9; 40], "brain.img", &ReadOptions::default()).unwrap_err();
    assert!(pair.to_string().contains(".hdr/.img pair"), "{pair}");
}

fn formats() -> impl Strategy<Value = MaskFormat> {
    prop_oneof![Just(MaskFormat::Nifti), Just(MaskFormat::NiftiGz), Just(MaskFormat::Nrrd)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_files_never_panic(
        format in formats(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        length in any::<proptest::sample::Index>(),
        is_cut in any::<bool>(),
        is_packed in any::<bool>(),
        frame in 0_u32..3,
    ) {
        let mut bytes = file(format);
        for (at, byte) in changes {
            // Most changes go to the header, where they can do harm.
            let at = at.index(bytes.len().min(400));
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let bytes = if is_packed { gzip(&bytes) } else { bytes };
        let options = ReadOptions { frame, max_bytes: 1 << 24 };
        if let Ok(volume) = read_bytes(&bytes, "image", &options) {
            prop_assert!(volume.voxels.len() == volume.grid.n_voxels());
            prop_assert!(volume.grid.voxel_from_ras().is_some());
        }
    }

    #[test]
    fn mutated_nrrd_text_never_panics(
        lines in proptest::collection::vec(0_usize..24, 0..14),
        magic in prop_oneof![Just("NRRD0004"), Just("NRRD0009"), Just("NRRDxxxx")],
    ) {
        const LINES: [&str; 24] = [
            "type: short", "type: float", "dimension: 3", "dimension: 4", "dimension: 99",
            "sizes: 2 2 2", "sizes: 3 2 2 2", "sizes: -1 2 2", "sizes: 99999999999999999999 1 1",
            "space: left-posterior-superior", "space dimension: 3", "endian: little", "endian: big",
            "space directions: (1,0,0) (0,1,0) (0,0,1)", "space directions: none (1,0) (0,1)",
            "space directions: (((", "space origin: (1,2,3)", "space origin: ", "encoding: raw",
            "encoding: gzip", "byte skip: -1", "byte skip: 99999", "kinds: vector domain domain domain",
            "spacings: nan 1 1e400",
        ];
        let mut text = format!("{magic}\n");
        for line in lines {
            text.push_str(LINES[line]);
            text.push('\n');
        }
        text.push('\n');
        let bytes = [text.as_bytes(), &[7; 64]].concat();
        if let Ok(volume) = read_bytes(&bytes, "image", &ReadOptions::default()) {
            prop_assert!(volume.voxels.len() == volume.grid.n_voxels());
        }
    }
}
