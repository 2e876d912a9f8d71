//! Phantoms are what their labels say, and the same everywhere.

use volume::{
    phantom::{Phantom, PhantomKind, PhantomOptions, phantom},
    read_bytes,
};

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn mean_and_deviation(phantom: &Phantom, label: u8) -> (f64, f64) {
    let values: Vec<f64> = (0..)
        .zip(&phantom.labelmap.voxels)
        .filter(|(_, it)| **it == label)
        .map(|(at, _)| phantom.volume.voxels.get(at))
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>();
    (mean, (square / values.len() as f64).sqrt())
}

#[test]
fn the_same_seed_gives_the_same_voxels_everywhere() {
    let made = phantom(&PhantomOptions::ct([48, 48, 16]));
    let sums = [made.volume.voxels.as_bytes(), &made.labelmap.voxels].map(checksum);
    assert_eq!(sums, [14937521746441902157, 2390542785197020200], "CT");
    let tilt = [0.1, 0.05, -0.02];
    let made = phantom(&PhantomOptions { tilt, seed: 9, ..PhantomOptions::mr([40, 40, 24]) });
    let sums = [made.volume.voxels.as_bytes(), &made.labelmap.voxels].map(checksum);
    assert_eq!(sums, [1935007933666919958, 1527738916110487409], "MR");
}

#[test]
fn another_seed_is_another_patient() {
    let options = PhantomOptions::ct([48, 48, 16]);
    let other = phantom(&PhantomOptions { seed: 2, ..options });
    assert_ne!(phantom(&options).labelmap, other.labelmap);
}

#[test]
fn every_label_of_every_patient_occurs() {
    for seed in 1..4 {
        for options in [PhantomOptions::ct([96, 96, 48]), PhantomOptions::mr([64, 64, 44])] {
            let made = phantom(&PhantomOptions { seed, ..options });
            let expected: Vec<u8> = made.labels.iter().map(|it| it.value).collect();
            let mut found = made.labelmap.labels();
            found.sort_by_key(|value| expected.iter().position(|it| it == value));
            assert_eq!(found, expected, "{:?}, seed {seed}", options.kind);
        }
    }
}

#[test]
fn organs_have_their_intensity_and_lesions_little_contrast() {
    let made = phantom(&PhantomOptions::ct([128, 128, 48]));
    let of = |name: &str| {
        let label = made.labels.iter().find(|it| it.name == name).unwrap();
        mean_and_deviation(&made, label.value)
    };
    let (liver, noise) = of("liver");
    assert!((liver - 112.0).abs() < 5.0, "liver {liver}");
    assert!((12.0..26.0).contains(&noise), "noise {noise}");
    for lesion in ["liver lesion 1", "liver lesion 2", "liver lesion 3"] {
        let contrast = liver - of(lesion).0;
        assert!((20.0..60.0).contains(&contrast), "{lesion} {contrast}");
    }
    let (spleen, _) = of("spleen");
    assert!((spleen - 122.0).abs() < 8.0, "spleen {spleen}");
}

#[test]
fn a_tilted_scan_sees_the_same_patient() {
    let plain = phantom(&PhantomOptions::ct([96, 96, 48]));
    let options = PhantomOptions { tilt: [0.1, 0.06, -0.04], ..PhantomOptions::ct([96, 96, 48]) };
    let tilted = phantom(&options);
    let plain_from_ras = plain.volume.grid.voxel_from_ras().unwrap();
    let (mut n_same, mut n_compared) = (0, 0);
    let [ni, nj, nk] = options.shape;
    for (at, &label) in tilted.labelmap.voxels.iter().enumerate() {
        let voxel = [at % ni, at / ni % nj, at / (ni * nj)].map(|it| it as f64);
        let ras = tilted.volume.grid.ras_from_voxel.apply(voxel);
        let near = plain_from_ras.apply(ras);
        let index = |axis: usize, length: usize| {
            (0..length).find(|&it| (near[axis] - it as f64).abs() <= 0.5)
        };
        let (Some(i), Some(j), Some(k)) = (index(0, ni), index(1, nj), index(2, nk)) else {
            continue;
        };
        let other = plain.labelmap.get([i, j, k]).unwrap();
        if label != 0 || other != 0 {
            n_compared += 1;
            n_same += usize::from(label == other);
        }
    }
    let share = n_same as f64 / f64::from(n_compared);
    assert!(share > 0.85, "{share}");
}

#[test]
fn borders_have_partial_volume() {
    // Without noise, a slab of fat and muscle has values between those of its tissues.
    let options = PhantomOptions { noise: 0.0, ..PhantomOptions::mr([64, 64, 48]) };
    let made = phantom(&options);
    assert_eq!(options.kind, PhantomKind::MrBrain);
    let values = (0..made.volume.voxels.len()).map(|at| made.volume.voxels.get(at));
    let between = values.filter(|it| (200.0..400.0).contains(it)).count();
    assert!(between > 1000, "{between} voxels between bone and scalp, fluid and matter");
}

#[test]
fn the_sample_file_is_a_volume() {
    let bytes = volume::phantom::sample_file().unwrap();
    let sample = read_bytes(&bytes, "", &volume::ReadOptions::default()).unwrap();
    assert_eq!(sample.grid.shape, [256, 256, 64]);
    assert_eq!(sample.axis_codes().to_string(), "LPS");
    for (spacing, expected) in sample.grid.spacing_mm().into_iter().zip([1.5, 1.5, 3.0]) {
        assert!((spacing - expected).abs() < 1e-6);
    }
    let [low, high] = sample.intensity_range().unwrap();
    assert!(low < -900.0 && high > 300.0, "{low} {high}");
}
