//! What is written is read back: voxels bit by bit, grids as far as the format holds them.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, prop_assume, proptest};
use volume::{
    Affine, Grid, Labelmap, MaskFormat, ReadOptions, SourceHeader, Volume, Voxels, read_bytes,
    write_mask, write_volume,
};

fn volume(shape: [usize; 3], entries: [f64; 12], bytes: &[u8], kind: usize) -> Volume {
    let linear = std::array::from_fn(|row| std::array::from_fn(|column| entries[row * 3 + column]));
    let ras_from_voxel = Affine::new(linear, [entries[9], entries[10], entries[11]]);
    let grid = Grid { shape, ras_from_voxel };
    let at = |index: usize| bytes[index % bytes.len()];
    let indices = 0..grid.n_voxels();
    let voxels = match kind {
        0 => Voxels::U8(indices.map(at).collect()),
        1 => Voxels::I8(indices.map(|it| i8::from_le_bytes([at(it)])).collect()),
        2 => Voxels::I16(indices.map(|it| i16::from_le_bytes([at(it), at(it + 3)])).collect()),
        3 => Voxels::U16(indices.map(|it| u16::from_le_bytes([at(it), at(it + 3)])).collect()),
        4 => Voxels::I32(indices.map(|it| i32::from(at(it)) - 77_777).collect()),
        5 => Voxels::U32(indices.map(|it| u32::from(at(it)) * 16_777_215).collect()),
        6 => Voxels::I64(indices.map(|it| i64::from(at(it)) - (1 << 60)).collect()),
        7 => Voxels::U64(indices.map(|it| u64::from(at(it)) << 55).collect()),
        8 => Voxels::F32(indices.map(|it| f32::from(at(it)) / 7.0).collect()),
        _ => Voxels::F64(indices.map(|it| f64::from(at(it)) / 7.0).collect()),
    };
    let header = SourceHeader::for_grid(&grid);
    Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn images_and_masks_come_back(
        shape in proptest::array::uniform3(1_usize..8),
        entries in proptest::array::uniform12(-5.0_f64..5.0),
        bytes in proptest::collection::vec(any::<u8>(), 1..50),
        kind in 0_usize..10,
        format in 0_usize..3,
    ) {
        let original = volume(shape, entries, &bytes, kind);
        let affine = &original.grid.ras_from_voxel;
        prop_assume!(affine.determinant().abs() > 0.5);
        let format = [MaskFormat::Nifti, MaskFormat::NiftiGz, MaskFormat::Nrrd][format];

        let mut file = Vec::new();
        write_volume(&original, format, &mut file).unwrap();
        let again = read_bytes(&file, "", &ReadOptions::default()).unwrap();
        prop_assert_eq!(&again.voxels, &original.voxels);
        prop_assert_eq!(again.grid.shape, shape);
        // NIfTI-1 holds 32-bit floats, NRRD decimal text of doubles.
        let tolerance = if format == MaskFormat::Nrrd { 0.0 } else { 1e-6 };
        let pairs = again.grid.ras_from_voxel.rows.into_iter().flatten().zip(affine.rows.into_iter().flatten());
        for (a, b) in pairs {
            prop_assert!((a - b).abs() <= tolerance, "{} {}", a, b);
        }

        // A mask on what was read has exactly the same grid and geometry fields, and the same bytes
        // each time.
        let labels = (0..again.grid.n_voxels()).map(|it| bytes[it % bytes.len()] % 3).collect();
        let mask = Labelmap::from_voxels(shape, labels).unwrap();
        let mut file = Vec::new();
        write_mask(&mask, &again.header, format, &mut file).unwrap();
        let mut repeated = Vec::new();
        write_mask(&mask, &again.header, format, &mut repeated).unwrap();
        prop_assert_eq!(&file, &repeated);
        let read = read_bytes(&file, "", &ReadOptions::default()).unwrap();
        prop_assert_eq!(&read.header, &again.header);
        prop_assert_eq!(Labelmap::from_volume(&read).unwrap(), mask);
    }
}

#[test]
fn a_mask_of_another_shape_is_not_written() {
    let original =
        volume([3, 4, 5], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[1], 0);
    let mask = Labelmap::new([3, 4, 6]);
    let error = write_mask(&mask, &original.header, MaskFormat::Nifti, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the mask has shape [3, 4, 6], its source [3, 4, 5]");
}

#[test]
fn an_axis_too_long_for_nifti_1_becomes_nifti_2() {
    let mut original =
        volume([1, 1, 1], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[1], 0);
    original.grid.shape = [40_000, 1, 1];
    original.voxels = Voxels::U8(vec![7; 40_000]);
    original.header = SourceHeader::for_grid(&original.grid);
    let mut file = Vec::new();
    write_volume(&original, MaskFormat::Nifti, &mut file).unwrap();
    assert_eq!(file[..4], 540_i32.to_le_bytes());
    assert_eq!(read_bytes(&file, "", &ReadOptions::default()).unwrap().voxels, original.voxels);
}

#[test]
fn an_image_with_scaling_is_not_written_as_nrrd() {
    let mut original =
        volume([1, 1, 1], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[1], 2);
    original.slope = 2.0;
    let error = write_volume(&original, MaskFormat::Nrrd, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("no slope"), "{error}");
    let mut file = Vec::new();
    write_volume(&original, MaskFormat::Nifti, &mut file).unwrap();
    assert_eq!(read_bytes(&file, "", &ReadOptions::default()).unwrap().slope, 2.0);
}
