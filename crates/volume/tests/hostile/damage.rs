//! Files that are cut short, damaged, foreign, larger than they look, or longer than they should be.

use volume::{MaskFormat, ReadError, ReadOptions, Voxels, read_bytes, write_volume};

use crate::support::{check_refused, file, gzip, nifti_with, read, small_volume};

#[test]
fn a_file_cut_short_is_said_to_be() {
    let whole = file(MaskFormat::Nifti);
    for length in [4, 100, 347] {
        assert_eq!(read(&whole[..length]).unwrap_err().field(), Some("header"), "{length} bytes");
    }
    check_refused(&whole[..whole.len() - 1], "voxels");
    // Wherever it is cut: plain, in gzip, text with gzip behind it, and that in gzip.
    let [packed, nrrd] = [gzip(&whole), file(MaskFormat::Nrrd)];
    for whole in [&whole, &packed, &nrrd, &gzip(&nrrd)] {
        read(whole).unwrap();
        for length in 0..whole.len() {
            let error = read(&whole[..length]).unwrap_err();
            let is_said = match error {
                ReadError::Damaged(_) | ReadError::Truncated { .. } => true,
                ReadError::Format { .. } => length < 18,
                // The first words of a header, or its voxels' place, past the end.
                ReadError::Field { field, .. } => {
                    field == "magic" && length < 10 || field == "vox_offset" && length < 352
                }
                ReadError::TooLarge { .. }
                | ReadError::Trailing { .. }
                | ReadError::Memory { .. }
                | ReadError::Io(_) => false,
            };
            assert!(is_said, "{length} bytes: {error:?}");
        }
    }
}

#[test]
fn files_of_a_byte_or_two_are_refused() {
    for first in 0..=255_u8 {
        assert!(read(&[first]).is_err(), "{first}");
        for second in 0..=255_u8 {
            assert!(read(&[first, second]).is_err(), "{first} {second}");
        }
    }
}

#[test]
fn bytes_behind_the_last_voxel_are_refused_by_the_field_of_the_shape() {
    let nifti = file(MaskFormat::Nifti);
    let nrrd =
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 1\nencoding: raw\n\n\x01\x02\x03\x04";
    for (whole, field) in [(nifti.as_slice(), "dim"), (nrrd, "sizes")] {
        read(whole).unwrap();
        for garbage in [b"g".as_slice(), &[0; 1000], &[0x1f; 30]] {
            check_refused(&[whole, garbage].concat(), field);
        }
    }
}

/// As `gzip` itself does.
#[test]
fn zeros_behind_the_compressed_data_are_padding_and_all_else_is_damage() {
    let whole = file(MaskFormat::Nifti);
    let expected = read(&whole).unwrap().voxels;
    let padded = [gzip(&whole), vec![0; 100_000]].concat();
    assert_eq!(read(&padded).unwrap().voxels, expected);
    for garbage in [b"garbage".as_slice(), &[0x1f], b"\x1f\x8bnot gzip", &[0, 0, 1]] {
        let torn = [&gzip(&whole), garbage].concat();
        assert!(matches!(read(&torn), Err(ReadError::Damaged(_))), "{garbage:?}");
    }
}

#[test]
fn frames_behind_the_one_that_is_read_are_no_trailing_bytes() {
    let frames = [4_i16, 5, 4, 3, 2].iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
    let one = file(MaskFormat::Nifti);
    let header = nifti_with(40, &frames);
    let both = [&header, &one[352..]].concat();
    for frame in [0, 1] {
        read_bytes(&both, "a.nii", &ReadOptions { frame, max_bytes: 1 << 20 }).unwrap();
    }
    let more = [both.as_slice(), &[0]].concat();
    read_bytes(&more, "a.nii", &ReadOptions { frame: 0, max_bytes: 1 << 20 }).unwrap();
    let error = read_bytes(&more, "a.nii", &ReadOptions { frame: 1, max_bytes: 1 << 20 });
    assert_eq!(error.unwrap_err().field(), Some("dim"));
}

#[test]
fn hours_of_zeros_in_front_of_the_voxels_are_not_decompressed() {
    let options = ReadOptions { frame: 0, max_bytes: 1 << 20 };
    let refused = |file: &[u8], frame: u32| {
        let error = read_bytes(file, "a.nii.gz", &ReadOptions { frame, ..options }).unwrap_err();
        (error.field(), error.to_string())
    };
    // A file of a megabyte may hold a gigabyte: the offset could be true.
    let far = [nifti_with(108, &f32::to_le_bytes(5e8)), vec![0; 100]].concat();
    let far = [gzip(&far), vec![0; 1 << 20]].concat();
    let expected = "vox_offset is 499999652, expected at most the limit of 1048576 bytes";
    assert_eq!(refused(&far, 0), (Some("vox_offset"), expected.to_owned()));
    // 60 voxels in each of 30,000 frames: one is small, all before the last are not.
    let frames = [4_i16, 5, 4, 3, 30_000].iter().flat_map(|it| it.to_le_bytes());
    let frames = gzip(&nifti_with(40, &frames.collect::<Vec<_>>()));
    let expected = "the voxels take 3600000 bytes, more than the limit of 1048576";
    assert_eq!(refused(&frames, 29_999), (Some("dim"), expected.to_owned()));
}

/// Scaling may leave what a double can hold; what is told of it must not.
#[test]
fn scaled_intensities_are_finite() {
    let mut volume = small_volume([2, 1, 1]);
    volume.voxels = Voxels::F64(vec![f64::MIN, f64::MAX]);
    volume.slope = 1e30;
    let mut bytes = Vec::new();
    write_volume(&volume, MaskFormat::Nifti, &mut bytes).unwrap();
    let volume = read(&bytes).unwrap();
    assert_eq!(volume.intensity_range(), Some([f64::MIN, f64::MAX]));
    assert_eq!(volume.percentiles(&[0.0, 100.0]), [f64::MIN, f64::MAX]);
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
        "the voxels take 17179869184 bytes, more than the limit of 1073741824"
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
