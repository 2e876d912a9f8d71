//! Where the voxels of NRRD files lie, as its specification and ITK have it.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test")]

use volume::{ReadError, ReadOptions, Volume, nrrd::NrrdSpace, read_bytes};

/// A file of one byte for each voxel, which count up from 0.
fn read(lines: &str, frame: u32) -> Result<Volume, ReadError> {
    let text = format!("NRRD0005\ntype: uchar\nencoding: raw\n{lines}\n\n");
    // As many as the sizes say, where they say something possible.
    let sizes = lines.lines().find_map(|it| it.strip_prefix("sizes: ")).unwrap_or_default();
    let n_voxels = sizes.split(' ').try_fold(1_u8, |n, it| n.checked_mul(it.parse().ok()?));
    let bytes = [text.as_bytes(), &(0..n_voxels.unwrap_or(120)).collect::<Vec<u8>>()].concat();
    read_bytes(&bytes, "a.nrrd", &ReadOptions { frame, ..ReadOptions::default() })
}

#[track_caller]
fn rows(lines: &str) -> [[f64; 4]; 3] {
    let [i, j, k, _] = read(lines, 0).unwrap().grid.ras_from_voxel.rows;
    [i, j, k]
}

#[test]
fn spaces_are_turned_to_ras() {
    let lines = "dimension: 3\nsizes: 2 3 4\nspace directions: (1,2,3) (-4,5,6) (7,8,-9)\n\
                 space origin: (10,20,30)";
    let given = [[1.0, -4.0, 7.0, 10.0], [2.0, 5.0, 8.0, 20.0], [3.0, 6.0, -9.0, 30.0]];
    for (space, signs) in [
        ("space: right-anterior-superior", [1.0, 1.0, 1.0]),
        ("space: RAS", [1.0, 1.0, 1.0]),
        ("space: left-anterior-superior", [-1.0, 1.0, 1.0]),
        ("space: LAS", [-1.0, 1.0, 1.0]),
        ("space: left-posterior-superior", [-1.0, -1.0, 1.0]),
        ("space: lps", [-1.0, -1.0, 1.0]),
        // As ITK takes them.
        ("space: scanner-xyz", [-1.0, -1.0, 1.0]),
        ("space: 3D-right-handed", [-1.0, -1.0, 1.0]),
        ("space: 3D-left-handed", [-1.0, -1.0, 1.0]),
        ("space dimension: 3", [-1.0, -1.0, 1.0]),
    ] {
        let expected = [0, 1, 2].map(|row| given[row].map(|it| it * signs[row]));
        assert_eq!(rows(&format!("{lines}\n{space}")), expected, "{space}");
    }
    let names = [NrrdSpace::Ras, NrrdSpace::Las, NrrdSpace::Lps, NrrdSpace::ScannerXyz];
    for (space, name) in names.into_iter().zip([
        "right-anterior-superior",
        "left-anterior-superior",
        "left-posterior-superior",
        "scanner-xyz",
    ]) {
        assert_eq!(space.name(), Some(name));
    }
    assert_eq!(NrrdSpace::Unnamed.name(), None);
}

#[test]
fn without_directions_there_are_spacings_along_l_p_and_s() {
    let lines = "dimension: 3\nsizes: 2 3 4";
    let plain = [[-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    assert_eq!(rows(lines), plain);
    let spaced = [[-0.5, 0.0, 0.0, 0.0], [0.0, -2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    // NaN says that nobody knows.
    assert_eq!(rows(&format!("{lines}\nspacings: 0.5 2 nan")), spaced);
    for spacings in ["0.5 2", "0.5 2 x"] {
        let error = read(&format!("{lines}\nspacings: {spacings}"), 0).unwrap_err();
        assert_eq!(error.field(), Some("spacings"), "{spacings}");
    }
    // An axis of vectors has a spacing too, and it is none in space.
    let vectors = "dimension: 4\nsizes: 2 2 3 4\nkinds: vector space space space";
    assert_eq!(rows(&format!("{vectors}\nspacings: nan 0.5 2 1")), spaced);
}

/// The missing third axis is upright on the others, 1 mm long.
#[test]
fn a_plane_image_is_one_slice() {
    let lines = "dimension: 2\nsizes: 5 4";
    let plane = read(&format!("{lines}\nspace directions: (2,0) (0,3)\nspace origin: (7,8)"), 0);
    let plane = plane.unwrap();
    assert_eq!(plane.shape(), [5, 4, 1]);
    let expected = [[-2.0, 0.0, 0.0, -7.0], [0.0, -3.0, 0.0, -8.0], [0.0, 0.0, 1.0, 0.0]];
    assert_eq!(plane.grid.ras_from_voxel.rows[..3], expected);
    // (0, 3, 4) × (2, 0, 0) = (0, 8, −6), of length 10; LPS to RAS turns the first two.
    let expected = [[0.0, -2.0, 0.0, 0.0], [-3.0, 0.0, -0.8, 0.0], [4.0, 0.0, -0.6, 0.0]];
    assert_eq!(rows(&format!("{lines}\nspace directions: (0,3,4) (2,0,0)")), expected);
    // (1, 2, 2) × (2, 1, −2) = (−6, 6, −3), of length 9.
    let found = rows(&format!("{lines}\nspace: RAS\nspace directions: (1,2,2) (2,1,-2)"));
    for (row, expected) in found.iter().zip([-6.0 / 9.0, 6.0 / 9.0, -3.0 / 9.0]) {
        assert!((row[2] - expected).abs() < 1e-15, "{found:?}");
    }
}

#[test]
fn frames_lie_before_or_behind_the_axes_in_space() {
    let directions = "(1,0,0) (0,1,0) (0,0,1)";
    let behind = format!("dimension: 4\nsizes: 2 3 4 5\nspace directions: {directions} none");
    let volume = read(&behind, 3).unwrap();
    assert_eq!((volume.shape(), volume.n_frames), ([2, 3, 4], 5));
    assert_eq!(volume.value([1, 2, 3]), 3.0 * 24.0 + 23.0);
    let before = format!("dimension: 4\nsizes: 5 2 3 4\nspace directions: none {directions}");
    let volume = read(&before, 3).unwrap();
    assert_eq!((volume.shape(), volume.n_frames), ([2, 3, 4], 5));
    assert_eq!(volume.value([1, 2, 3]), 23.0 * 5.0 + 3.0);
    // Two kinds of frames multiply; an axis of one is none.
    let both = format!("dimension: 5\nsizes: 1 2 3 4 5\nspace directions: none {directions} none");
    let volume = read(&both, 4).unwrap();
    assert_eq!((volume.shape(), volume.n_frames), ([2, 3, 4], 5));
    // An axis of one may stand anywhere.
    let single =
        read("dimension: 4\nsizes: 2 1 3 4\nspace directions: (1,0,0) none (0,1,0) (0,0,1)", 0);
    assert_eq!(single.unwrap().shape(), [2, 3, 4]);
    let lines = format!("dimension: 5\nsizes: 5 2 3 4 1\nspace directions: none {directions} none");
    assert_eq!(read(&lines, 4).unwrap().value([1, 2, 3]), 23.0 * 5.0 + 4.0);
    for (sizes, directions) in [
        ("2 2 3 4", "(1,0,0) none (0,1,0) (0,0,1)"),
        ("2 2 3 4 2", "none (1,0,0) (0,1,0) (0,0,1) none"),
        ("2 2 3 4", "(1,0,0) none none none"),
        ("2 2 3 4", "(1,0,0) (0,1,0) (0,0,1) (1,1,1)"),
    ] {
        let n_dims = sizes.split(' ').count();
        let lines = format!("dimension: {n_dims}\nsizes: {sizes}\nspace directions: {directions}");
        assert_eq!(read(&lines, 0).unwrap_err().field(), Some("space directions"), "{directions}");
    }
    // Without directions the kinds tell, else the first three axes are those in space.
    let kinds = read("dimension: 4\nsizes: 5 2 3 4\nkinds: list domain domain domain", 0).unwrap();
    assert_eq!((kinds.shape(), kinds.n_frames), ([2, 3, 4], 5));
    let unknown = read("dimension: 4\nsizes: 2 3 4 5\nkinds: ??? ??? ??? ???", 0).unwrap();
    assert_eq!((unknown.shape(), unknown.n_frames), ([2, 3, 4], 5));
    let silent = read("dimension: 4\nsizes: 2 3 4 5", 0).unwrap();
    assert_eq!((silent.shape(), silent.n_frames), ([2, 3, 4], 5));
}

#[test]
fn what_is_no_image_is_refused() {
    for (lines, field) in [
        ("dimension: 2\nsizes: 65537 1\nkinds: vector domain", "space directions"),
        ("dimension: 3\nsizes: 65537 1 1\nspace directions: none (1,0,0) (0,1,0)", "sizes"),
        ("dimension: 1\nsizes: 5", "dimension"),
        ("dimension: 2\nsizes: 5 4\nspace directions: (1,0,0,0) (0,1,0,0)", "space directions"),
        ("dimension: 2\nsizes: 5 4\nspace origin: (1)", "space origin"),
        ("dimension: 2\nsizes: 5 4\nspace origin: none", "space origin"),
        ("dimension: 2\nsizes: 5 4\nkinds: domain 3-color", "kinds"),
    ] {
        assert_eq!(read(lines, 0).unwrap_err().field(), Some(field), "{lines}");
    }
    // The most values that a voxel may have.
    let most = "dimension: 3\nsizes: 65536 1 1\nspace directions: none (1,0,0) (0,1,0)";
    assert_eq!(read(most, 0).unwrap_err().field(), Some("voxels"));
}
