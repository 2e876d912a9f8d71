//! Valid files with random bytes in them.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use volume::{MaskFormat, ReadOptions, read_bytes};

use crate::support::{file, gzip};

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
