//! Any bytes as a run-length mask, and everything that is asked of a mask.

use volume::{Labelmap, component, rle};

/// Largest mask that is decoded.
const MAX_VOXELS: usize = 1 << 14;

/// What decodes encodes to the same mask in no more bytes; its answers agree with counting.
pub fn check(input: &[u8]) {
    let Ok(mask) = rle::decode(input, MAX_VOXELS) else {
        return;
    };
    assert!(mask.voxels.len() <= MAX_VOXELS);
    assert_eq!(rle::shape(input), Ok(mask.shape));
    let encoded = rle::encode(&mask);
    assert!(encoded.len() <= input.len(), "{} bytes became {}", input.len(), encoded.len());
    assert_eq!(rle::decode(&encoded, MAX_VOXELS).as_ref(), Ok(&mask));
    rle::decode(&encoded, mask.voxels.len() - 1).unwrap_err();
    for label in mask.labels() {
        check_label(&mask, label);
    }
    check_slices(&mask);
}

fn check_label(mask: &Labelmap, label: u8) {
    let n = mask.count(label);
    assert_eq!(mask.binary(label).count(1), n);
    let bounds = mask.bounding_box(label).expect("a label that occurs");
    assert_eq!(mask.crop(&bounds).count(label), n);
    for axis in 0..3 {
        let counts = mask.slice_counts(axis, label);
        assert_eq!(counts.iter().sum::<usize>(), n);
        assert!(counts[*bounds[axis].start()] > 0 && counts[*bounds[axis].end()] > 0);
    }
    let (numbers, sizes) = component::components(mask, label);
    assert_eq!(numbers.iter().filter(|it| **it != 0).count(), n);
    let mut largest = mask.clone();
    component::keep_largest(&mut largest, label);
    assert_eq!(largest.count(label), sizes[1..].iter().copied().max().unwrap_or(0));
}

fn check_slices(mask: &Labelmap) {
    for axis in 0..3 {
        let mut copy = Labelmap::new(mask.shape);
        for index in 0..mask.shape[axis] {
            copy.set_slice(axis, index, &mask.slice(axis, index));
        }
        assert_eq!(copy, *mask);
    }
}
