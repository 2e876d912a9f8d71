//! Header fields that cannot be, each named by its error.

use volume::{MaskFormat, SourceHeader, nifti::NiftiVersion, write_volume};

use crate::support::{check_refused, nifti_with, read, small_volume};

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
    check_refused(&nifti_with(292, &float(f32::INFINITY)), "srow");
    // Two axes in one direction.
    check_refused(&nifti_with(280, &[1.0, 1.0, 0.0, 0.0].map(float).concat().repeat(2)), "srow");
    check_refused(&nifti_with(292, &float(1e13)), "srow");
    check_refused(&nifti_with(344, b"ni1\0"), "magic");
    check_refused(&nifti_with(344, b"\0\0\0\0"), "magic");
    let without_sform = |at: usize, bytes: &[u8]| {
        let mut file = nifti_with(at, bytes);
        file[254] = 0;
        file
    };
    check_refused(&without_sform(256, &float(1.5)), "quatern");
    check_refused(&without_sform(264, &float(f32::NAN)), "quatern");
    check_refused(&without_sform(272, &float(f32::NEG_INFINITY)), "qoffset");
    check_refused(&without_sform(80, &float(f32::NAN)), "pixdim");
    check_refused(&without_sform(88, &float(1e10)), "pixdim");
    // Zero voxel sizes are read as 1 mm, as nibabel repairs them.
    let repaired = read(&without_sform(80, &[0; 12])).unwrap();
    for length in repaired.grid.spacing_mm() {
        assert!((length - 1.0).abs() < 1e-6, "{length}");
    }
}

/// A NIfTI-2 file with other bytes at one place.
fn nifti2_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut volume = small_volume([5, 4, 3]);
    if let SourceHeader::Nifti(header) = &mut volume.header {
        header.version = NiftiVersion::Two;
    }
    let mut file = Vec::new();
    write_volume(&volume, MaskFormat::Nifti, &mut file).unwrap();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn wide_header_fields_that_cannot_be_are_named() {
    assert!(read(&nifti2_with(0, &[])).is_ok_and(|it| it.shape() == [5, 4, 3]));
    check_refused(&nifti2_with(16, &(-1_i64).to_le_bytes()), "dim[0]");
    check_refused(&nifti2_with(24, &i64::MIN.to_le_bytes()), "dim[1]");
    // One more than a picture's side can hold.
    check_refused(&nifti2_with(32, &(1_i64 << 31).to_le_bytes()), "dim[2]");
    let longest = [1_i64 << 31; 3].map(|it| (it - 1).to_le_bytes()).concat();
    check_refused(&nifti2_with(24, &longest), "dim");
    check_refused(&nifti2_with(168, &i64::MAX.to_le_bytes()), "vox_offset");
    check_refused(&nifti2_with(168, &(-544_i64).to_le_bytes()), "vox_offset");
    // Squares of these are 0 and infinite, the determinant is 1.
    let mut lengths = [0.0_f64; 12];
    (lengths[0], lengths[5], lengths[10]) = (1e-170, 1e170, 1.0);
    check_refused(&nifti2_with(400, &lengths.map(f64::to_le_bytes).concat()), "srow");
}

/// The message says what is wrong with a place and what would be right.
#[test]
fn impossible_places_are_described() {
    let said = |row: [f32; 4]| {
        let file = nifti_with(280, &row.map(f32::to_le_bytes).concat());
        read(&file).unwrap_err().to_string()
    };
    for (row, expected) in [
        ([f32::NAN, 0.0, 0.0, 0.0], "srow is not finite, expected numbers"),
        ([1.0, 0.0, 0.0, f32::INFINITY], "srow is not finite, expected numbers"),
        ([1e12, 0.0, 0.0, 0.0], "srow is of impossible voxels, expected voxels of 1e-9 to 1e9 mm"),
        ([0.0; 4], "srow is singular, expected three axes that span space"),
        ([1.0, 0.0, 0.0, 1e13], "srow is out of reach, expected at most 1e12 mm"),
    ] {
        assert_eq!(said(row), expected);
    }
}

/// An NRRD file with raw voxels, one line in place of the one with the same name.
fn nrrd_with(line: &str) -> Vec<u8> {
    let mut text = String::from("NRRD0004\n");
    let name = line.split(':').next().unwrap_or_default();
    for usual in [
        "type: short",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: 5 4 3",
        "space directions: (1,0,0) (0,1,0) (0,0,2)",
        "space origin: (1,2,3)",
        "endian: little",
        "encoding: raw",
    ] {
        if usual.split(':').next() != Some(name) {
            text.push_str(usual);
            text.push('\n');
        }
    }
    [text.as_bytes(), line.as_bytes(), b"\n\n", &[7; 120]].concat()
}

#[test]
fn nrrd_fields_that_cannot_be_are_named() {
    assert!(read(&nrrd_with("# nothing")).is_ok_and(|it| it.shape() == [5, 4, 3]));
    for (line, field) in [
        ("type: block", "type"),
        ("type: string", "type"),
        ("dimension: 0", "dimension"),
        ("dimension: -3", "dimension"),
        ("dimension: 17", "dimension"),
        ("dimension: 2", "sizes"),
        ("sizes: 5 4 0", "sizes"),
        ("sizes: 5 4 -3", "sizes"),
        ("sizes: 5 4 2147483648", "sizes"),
        ("sizes: 2000000000 2000000000 2000000000", "sizes"),
        ("sizes: 99999999999999999999 1 1", "sizes"),
        ("sizes: 5 4 30000", "voxels"),
        ("space: 3D-right-handed-time", "space"),
        ("space directions: (nan,0,0) (0,1,0) (0,0,1)", "space directions"),
        ("space directions: (inf,0,0) (0,1,0) (0,0,1)", "space directions"),
        ("space directions: (1,0,0) (2,0,0) (0,0,1)", "space directions"),
        ("space directions: (1,0,0) (0,1,0) (0,0,1e300)", "space directions"),
        ("space directions: (1,0) (0,1,0", "space directions"),
        ("space origin: (nan,0,0)", "space origin"),
        ("space origin: (1e15,0,0)", "space origin"),
        ("space origin: ()", "space origin"),
        ("endian: middle", "endian"),
        ("encoding: bzip2", "encoding"),
        ("encoding: ../../etc/passwd", "encoding"),
        ("byte skip: -2", "byte skip"),
        ("byte skip: 9223372036854775807", "byte skip"),
        ("byte skip: 100", "voxels"),
        ("line skip: 2", "line skip"),
        ("kinds: RGB-color domain domain", "kinds"),
    ] {
        let error = read(&nrrd_with(line)).unwrap_err();
        assert_eq!(error.field(), Some(field), "{line}: {error}");
    }
    let spacings = String::from_utf8_lossy(&nrrd_with("spacings: 1 0 1"))
        .replace("space directions: (1,0,0) (0,1,0) (0,0,2)\n", "");
    assert_eq!(read(spacings.as_bytes()).unwrap_err().field(), Some("spacings"));
}

#[test]
fn other_files_that_an_nrrd_header_names_are_not_opened() {
    for value in [
        "../../etc/passwd",
        "/etc/passwd",
        "LIST\n/etc/passwd",
        "LIST 2\nslice.raw",
        "slice%03d.raw 1 999999999 1",
        "\\\\server\\share\\image.raw",
        "file:///etc/passwd",
        "image.nrrd",
        "",
    ] {
        for name in ["data file", "datafile", "DATA FILE"] {
            let error = read(&nrrd_with(&format!("{name}: {value}"))).unwrap_err();
            assert_eq!(error.field(), Some("data file"), "{value}");
            let expected = "data file is another file, expected the voxels in the same file as \
                            the header (.nrrd, not .nhdr)";
            assert_eq!(error.to_string(), expected);
        }
    }
}
