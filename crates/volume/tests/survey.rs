//! A survey of a file says the same as reading it whole.

use std::{fs, io::Write};

use volume::{
    Affine, Grid, MaskFormat, ReadOptions, SourceHeader, Volume, VoxelType, Voxels, read, survey,
    write_volume,
};

/// More than one part of the stream, and no round number.
const SHAPE: [usize; 3] = [211, 103, 67];

fn volume(voxels: Voxels) -> Volume {
    let grid = Grid { shape: SHAPE, ras_from_voxel: Affine::IDENTITY };
    Volume {
        grid,
        voxels,
        slope: 0.5,
        intercept: -3.0,
        n_frames: 1,
        frame: 0,
        header: SourceHeader::for_grid(&grid),
    }
}

#[test]
fn a_survey_says_what_the_voxels_say() {
    let folder = tempfile::tempdir().unwrap();
    let n_voxels = SHAPE.iter().product::<usize>();
    let wave = |it: usize| ((it * 7919) % 4001) as f32 - 1000.25;
    let floats: Vec<f32> = (0..n_voxels).map(wave).collect();
    #[expect(clippy::cast_possible_truncation, reason = "−1000 to 3000")]
    let shorts: Vec<i16> = floats.iter().map(|it| *it as i16).collect();
    for (voxels, expected) in
        [(Voxels::F32(floats), VoxelType::F32), (Voxels::I16(shorts), VoxelType::I16)]
    {
        let path = folder.path().join("volume.nii.gz");
        let mut file = fs::File::create(&path).unwrap();
        write_volume(&volume(voxels), MaskFormat::NiftiGz, &mut file).unwrap();
        file.flush().unwrap();
        let options = ReadOptions::default();
        let (header, distribution) = survey(&path, "volume.nii.gz", &options).unwrap();
        let whole = read(&path, "volume.nii.gz", &options).unwrap();
        assert_eq!(header.voxel_type, expected);
        assert_eq!(header.grid, whole.grid);
        assert_eq!(distribution.range(), whole.intensity_range());
        let percentages = [0.0, 0.5, 37.0, 99.5, 100.0];
        assert_eq!(distribution.percentiles(&percentages), whole.percentiles(&percentages));
    }
}

#[test]
fn a_survey_finds_the_damage_that_reading_finds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("volume.nii.gz");
    let voxels = Voxels::U8(vec![7; SHAPE.iter().product()]);
    let mut bytes = Vec::new();
    write_volume(&volume(voxels), MaskFormat::NiftiGz, &mut bytes).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&path, bytes).unwrap();
    let options = ReadOptions::default();
    let surveyed = survey(&path, "volume.nii.gz", &options).unwrap_err();
    let whole = read(&path, "volume.nii.gz", &options).unwrap_err();
    assert_eq!(surveyed.to_string(), whole.to_string());
}
