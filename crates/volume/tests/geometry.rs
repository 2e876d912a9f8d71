//! Where voxels lie, by nibabel 5: affines from header fields, header fields from affines, and the
//! names of axes. `tests/python` asks nibabel anew; here its answers are written down.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test")]

use volume::{
    Affine, Grid, MaskFormat, SourceHeader, Volume, Voxels,
    nifti::{NiftiGeometry, NiftiVersion},
    nrrd::NrrdGeometry,
    read_bytes, write_volume,
};

const ORIGIN: [f64; 3] = [10.0, -20.0, 30.5];

/// The linear part of an affine, and what `Nifti1Header.set_qform` makes of it: qfac and voxel
/// sizes, `quatern_b` to `d`.
type Qform = ([[f64; 3]; 3], [f64; 4], [f64; 3]);

const QFORMS: [Qform; 5] = [
    (
        [
            [0.39082, -0.362197, 0.78948],
            [0.275059, 0.624023, -0.142785],
            [-0.146979, 0.204717, 1.83203],
        ],
        [1.0, 0.5, 0.75, 2.0],
        [0.0916432, 0.1832866, 0.2749299],
    ),
    (
        [
            [0.854003, 0.822072, -0.956846],
            [0.318949, -1.795919, -0.909649],
            [-0.411036, 0.314439, -2.693879],
        ],
        [1.0, 1.0, 2.0, 3.0],
        [0.9552385, 0.1910478, -0.1910477],
    ),
    (
        [
            [-0.659019, -0.234708, 0.175813],
            [-0.172998, 0.530123, 3.02238],
            [0.160516, -0.392278, 3.979234],
        ],
        [-1.0, 0.7, 0.7, 5.0],
        [0.1557826, -0.9346953, 0.3115649],
    ),
    (
        [
            [-1.443171, 0.043041, -0.270464],
            [0.170476, -1.063814, -0.512636],
            [0.371745, 0.654941, -0.814895],
        ],
        [-1.0, 1.5, 1.25, 1.0],
        [0.1360532, 0.2721067, 0.9523734],
    ),
    // Shear, which a qform cannot hold: the nearest rotation.
    (
        [[0.8, 0.3, 0.1], [-0.2, 1.1, 0.4], [0.1, -0.3, 2.5]],
        [1.0, 0.8306624, 1.1789826, 2.533772],
        [-0.1081385, -0.0171449, -0.1290363],
    ),
];

fn grid(linear: [[f64; 3]; 3]) -> Grid {
    Grid { shape: [5, 4, 3], ras_from_voxel: Affine::new(linear, ORIGIN) }
}

#[track_caller]
fn check_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let is_close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6);
    assert!(is_close, "{found:?} is not {expected:?}");
}

fn volume(header: SourceHeader) -> Volume {
    let voxels = Voxels::I16((0..60).collect());
    Volume {
        grid: header.grid(),
        voxels,
        slope: 1.0,
        intercept: 0.0,
        n_frames: 1,
        frame: 0,
        header,
    }
}

/// The image of a header as a file has it.
fn written(header: SourceHeader) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_volume(&volume(header), MaskFormat::Nifti, &mut bytes).unwrap();
    bytes
}

fn rows(bytes: &[u8]) -> [[f64; 4]; 4] {
    let volume = read_bytes(bytes, "a.nii", &volume::ReadOptions::default()).unwrap();
    volume.grid.ras_from_voxel.rows
}

#[test]
fn a_qform_is_the_one_that_nibabel_writes() {
    for (linear, pixdim, quatern) in QFORMS {
        let found = NiftiGeometry::for_grid(&grid(linear));
        check_close(&found.pixdim[..4], &pixdim);
        check_close(&found.quatern, &quatern);
        check_close(&found.qoffset, &ORIGIN);
        assert_eq!((found.qform_code, found.sform_code, found.n_dims), (1, 1, 3));
        // Millimetres and seconds.
        assert_eq!(found.xyzt_units, 10);
    }
}

#[test]
fn a_qform_is_read_back_as_the_affine_it_came_from() {
    for (linear, ..) in &QFORMS[..4] {
        for version in [NiftiVersion::One, NiftiVersion::Two] {
            let mut header = NiftiGeometry::for_grid(&grid(*linear));
            (header.version, header.sform_code) = (version, 0);
            let found = rows(&written(SourceHeader::Nifti(header)));
            for row in 0..3 {
                check_close(&found[row][..3], &linear[row]);
                assert!((found[row][3] - ORIGIN[row]).abs() < 1e-6);
            }
        }
    }
}

/// No turn, and half turns about each axis, where a quaternion's formulas divide by zero.
#[test]
fn straight_axes_have_plain_quaternions() {
    for (signs, quatern) in [
        ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
        ([1.0, -1.0, -1.0], [1.0, 0.0, 0.0]),
        ([-1.0, 1.0, -1.0], [0.0, 1.0, 0.0]),
        ([-1.0, -1.0, 1.0], [0.0, 0.0, 1.0]),
    ] {
        let [x, y, z] = signs;
        let straight = grid([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]]);
        let found = NiftiGeometry::for_grid(&straight);
        assert_eq!(found.quatern, quatern);
        assert_eq!(found.pixdim[..4], [1.0; 4]);
    }
}

/// A header whose only transform is a half turn's quaternion (a = 0) with voxels of 2, 3 and 4 mm.
fn half_turn(qfac: f64) -> NiftiGeometry {
    let mut header = NiftiGeometry::for_grid(&grid(QFORMS[0].0));
    header.sform_code = 0;
    header.pixdim[..4].copy_from_slice(&[qfac, 2.0, 3.0, 4.0]);
    header.quatern = [0.6, 0.0, 0.8];
    header.qoffset = [0.0; 3];
    header
}

#[test]
fn qfac_flips_the_third_axis_only_where_it_is_minus_one() {
    for (qfac, sign) in [(1.0, 1.0), (0.0, 1.0), (2.0, 1.0), (-1.0, -1.0)] {
        let found = rows(&written(SourceHeader::Nifti(half_turn(qfac))));
        check_close(&found[0], &[-0.56, 0.0, sign * 3.84, 0.0]);
        check_close(&found[1], &[0.0, -3.0, 0.0, 0.0]);
        check_close(&found[2], &[1.92, 0.0, sign * 1.12, 0.0]);
    }
}

#[test]
fn a_quaternion_may_be_too_long_by_rounding_alone() {
    let with_length = |squared: f64, version| {
        let mut header = half_turn(1.0);
        header.version = version;
        header.quatern = [squared.sqrt(), 0.0, 0.0];
        read_bytes(&written(SourceHeader::Nifti(header)), "a.nii", &Default::default())
    };
    // Three times the rounding of 32 and of 64 bits, as in nibabel.
    for (version, allowed, refused) in
        [(NiftiVersion::One, 2.5e-7, 6e-7), (NiftiVersion::Two, 4.5e-16, 1e-14)]
    {
        with_length(1.0 + allowed, version).unwrap();
        let error = with_length(1.0 + refused, version).unwrap_err();
        assert_eq!(error.field(), Some("quatern"));
    }
}

#[test]
fn without_a_transform_the_centre_is_the_origin() {
    let mut header = half_turn(1.0);
    header.qform_code = 0;
    let expected = [[-2.0, 0.0, 0.0, 4.0], [0.0, 3.0, 0.0, -4.5], [0.0, 0.0, 4.0, -4.0]];
    // Codes that nobody defined say nothing.
    for (qform_code, sform_code) in [(0, 0), (6, -1), (-3, 300)] {
        (header.qform_code, header.sform_code) = (qform_code, sform_code);
        let found = rows(&written(SourceHeader::Nifti(header.clone())));
        for (found, expected) in found.iter().zip(&expected) {
            check_close(found, expected);
        }
    }
    // An axis that is not there has no size; negative sizes and zeros are repaired.
    header.grid.shape = [5, 4, 1];
    header.n_dims = 2;
    header.pixdim[..4].copy_from_slice(&[1.0, -2.0, 0.0, 4.0]);
    let mut flat = volume(SourceHeader::Nifti(header));
    flat.voxels = Voxels::U8(vec![1; 20]);
    let mut bytes = Vec::new();
    write_volume(&flat, MaskFormat::Nifti, &mut bytes).unwrap();
    let expected = [[-2.0, 0.0, 0.0, 4.0], [0.0, 1.0, 0.0, -1.5], [0.0, 0.0, 1.0, 0.0]];
    for (found, expected) in rows(&bytes).iter().zip(&expected) {
        check_close(found, expected);
    }
}

#[test]
fn every_defined_code_counts() {
    for code in 1..=5 {
        let mut header = half_turn(1.0);
        (header.qform_code, header.sform_code) = (code, 0);
        check_close(
            &rows(&written(SourceHeader::Nifti(header.clone())))[1][..3],
            &[0.0, -3.0, 0.0],
        );
        header.sform_code = code;
        let expected = QFORMS[0].0[1];
        check_close(&rows(&written(SourceHeader::Nifti(header)))[1][..3], &expected);
    }
}

/// `nibabel.aff2axcodes` of affines in which the clearest axis must choose first, steps of unequal
/// length mislead, and axes tie.
#[test]
fn axes_have_the_names_that_nibabel_gives_them() {
    for (linear, codes) in [
        ([[0.0, -0.2, -8.4], [-0.2, -0.5, -10.8], [0.1, -0.6, 9.4]], "PIL"),
        ([[-1.6, -2.8, 0.3], [-3.7, -3.8, -0.7], [-4.2, 1.3, -0.4]], "ILP"),
        ([[-0.1, 1.3, 1.3], [-0.1, 1.2, -2.2], [0.0, 0.9, -2.4]], "PRI"),
        ([[1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "RAS"),
        ([[0.0, 1.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], "ARS"),
    ] {
        assert_eq!(grid(linear).axis_codes().to_string(), codes, "{linear:?}");
    }
}

#[test]
fn long_axes_need_the_second_version() {
    let version =
        |shape| NiftiGeometry::for_grid(&Grid { shape, ras_from_voxel: Affine::IDENTITY }).version;
    assert_eq!(version([32_767, 1, 1]), NiftiVersion::One);
    assert_eq!(version([1, 32_768, 1]), NiftiVersion::Two);
}

#[test]
fn nrrd_vectors_of_another_grid_are_in_lps() {
    let (linear, ..) = QFORMS[0];
    let found = NrrdGeometry::for_grid(&grid(linear));
    assert_eq!(found.origin, [-10.0, 20.0, 30.5]);
    assert_eq!(found.directions[1], [0.362197, -0.624023, 0.204717]);
}

#[test]
fn affines_follow_one_another() {
    let a = Affine::new([[0.0, -2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 5.0]], [1.0, 2.0, 3.0]);
    let b = Affine::new([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 2.0]], [-4.0, 6.0, 8.0]);
    let point = [3.0, 5.0, 7.0];
    // By hand: b sends the point to (4, 11, 23.5), a that to (−21, 14, 120.5).
    assert_eq!(b.apply(point), [4.0, 11.0, 23.5]);
    assert_eq!(a.compose(&b).apply(point), [-21.0, 14.0, 120.5]);
    assert_eq!(a.compose(&b).determinant(), 60.0);
    assert_eq!(grid([[0.0, -2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, -5.0]]).voxel_mm3(), 30.0);
    let back = a.compose(&b).inverse().unwrap().apply([-21.0, 14.0, 120.5]);
    check_close(&back, &point);
}

/// The bounds of what an image can be, from either side.
#[test]
fn images_have_a_size_and_a_place() {
    let regular = |length: f64, origin: f64| {
        let linear = [[length, 0.0, 0.0], [0.0, length, 0.0], [0.0, 0.0, length]];
        Affine::new(linear, [0.0, origin, 0.0]).is_regular()
    };
    assert!(regular(1.1e-9, 0.0) && regular(0.9e9, 0.0) && regular(1.0, -0.9e12));
    assert!(!regular(0.9e-9, 0.0) && !regular(1.1e9, 0.0) && !regular(1.0, -1.1e12));
    assert!(!regular(f64::NAN, 0.0) && !regular(1.0, f64::INFINITY));
    // The angle between two axes, from which they count as two: a millionth.
    let leaning = |by: f64| {
        Affine::new([[1.0, 1.0, 0.0], [0.0, by, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]).is_regular()
    };
    assert!(leaning(1.5e-6) && leaning(-1.5e-6));
    assert!(!leaning(0.5e-6) && !leaning(-0.5e-6));
}
