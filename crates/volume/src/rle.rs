//! The run-length form of labelmaps in blobs and towards the page, `application/x-voxloop-rle`.
//!
//! `VXR1`, then ni, nj, nk as little-endian u32, then pairs of run length (LEB128, at least 1) and
//! label until all voxels are covered, `i` fastest.

use crate::Labelmap;

/// The media type of the format.
pub const MEDIA_TYPE: &str = "application/x-voxloop-rle";

const MAGIC: [u8; 4] = *b"VXR1";
const HEADER_BYTES: usize = 16;

/// Why bytes are not a run-length labelmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RleError {
    /// The first four bytes are not `VXR1`.
    #[error("the run-length mask does not begin with VXR1")]
    Magic,
    /// An axis is empty, or the grid is larger than allowed.
    #[error("the run-length mask has shape {0:?}, which is empty or too large")]
    Shape([u32; 3]),
    /// A run has no length or more than 64 bits.
    #[error("a run of the mask has an impossible length")]
    Run,
    /// The runs cover more than the grid.
    #[error("the runs of the mask reach past its end")]
    Overrun,
    /// The bytes end before the grid is covered.
    #[error("the run-length mask is cut short")]
    Truncated,
    /// There are bytes after the last run.
    #[error("the run-length mask has bytes after its end")]
    Trailing,
}

/// Encodes a labelmap.
///
/// # Panics
/// If an axis has more than 2³² − 1 voxels, which no reader lets through.
#[must_use]
pub fn encode(labelmap: &Labelmap) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for length in labelmap.shape {
        let length = u32::try_from(length).expect("a grid's axis has less than 2^32 voxels");
        bytes.extend(length.to_le_bytes());
    }
    let mut rest = labelmap.voxels.as_slice();
    while let Some(&label) = rest.first() {
        let n = run_length(rest, label);
        push_varint(&mut bytes, n);
        bytes.push(label);
        rest = &rest[n..];
    }
    bytes
}

/// Length of the run of `label` at the start of `voxels`.
fn run_length(voxels: &[u8], label: u8) -> usize {
    // Whole blocks first: masks are long runs of background, and blocks compare as vectors.
    const BLOCK: usize = 64;
    let full = [label; BLOCK];
    let blocks = voxels.chunks_exact(BLOCK).take_while(|it| **it == full).count() * BLOCK;
    let tail = voxels[blocks..].iter().take_while(|&&it| it == label).count();
    blocks + tail
}

fn push_varint(bytes: &mut Vec<u8>, mut n: usize) {
    loop {
        let low = u8::try_from(n & 0x7f).unwrap_or(0);
        n >>= 7;
        if n == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// The shape that an encoded labelmap declares, without decoding it.
///
/// # Errors
/// If the header is cut short, has another magic or an empty axis.
pub fn shape(bytes: &[u8]) -> Result<[usize; 3], RleError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(RleError::Magic);
    }
    let header = bytes.get(4..HEADER_BYTES).ok_or(RleError::Truncated)?;
    let length = |axis: usize| {
        let at = 4 * axis;
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let stored = [length(0), length(1), length(2)];
    let shape = stored.map(|it| usize::try_from(it).unwrap_or(0));
    let n_voxels = shape.iter().try_fold(1_usize, |product, &it| product.checked_mul(it));
    match n_voxels {
        Some(n) if n > 0 => Ok(shape),
        _ => Err(RleError::Shape(stored)),
    }
}

/// Decodes a labelmap of at most `max_voxels`.
///
/// # Errors
/// If the bytes are not exactly one labelmap, or it is larger than allowed.
pub fn decode(bytes: &[u8], max_voxels: usize) -> Result<Labelmap, RleError> {
    let shape = shape(bytes)?;
    let n_voxels: usize = shape.iter().product();
    if n_voxels > max_voxels {
        return Err(RleError::Shape(shape.map(|it| u32::try_from(it).unwrap_or(u32::MAX))));
    }
    let runs = &bytes[HEADER_BYTES..];
    check_runs(runs, n_voxels)?;
    // Zeroed pages cost nothing until a run of another label is written.
    let mut voxels = vec![0; n_voxels];
    let (mut rest, mut at) = (runs, 0);
    while !rest.is_empty() {
        let (n, label) = take_run(&mut rest)?;
        if label != 0 {
            voxels[at..at + n].fill(label);
        }
        at += n;
    }
    Ok(Labelmap { shape, voxels })
}

/// The labels that occur in an encoded labelmap, background excepted, ascending, without decoding it.
///
/// # Errors
/// If the bytes are not exactly one labelmap.
pub fn labels(bytes: &[u8]) -> Result<Vec<u8>, RleError> {
    let n_voxels = shape(bytes)?.iter().product();
    let mut runs = &bytes[HEADER_BYTES..];
    check_runs(runs, n_voxels)?;
    let mut occurs = [false; 256];
    while !runs.is_empty() {
        let (_, label) = take_run(&mut runs)?;
        occurs[usize::from(label)] = true;
    }
    Ok((1..=255).filter(|it| occurs[usize::from(*it)]).collect())
}

/// Whether the runs cover the grid exactly; nothing is allocated before this is known.
fn check_runs(mut runs: &[u8], n_voxels: usize) -> Result<(), RleError> {
    let mut covered = 0_usize;
    while covered < n_voxels {
        let (n, _) = take_run(&mut runs)?;
        covered = covered.checked_add(n).filter(|&it| it <= n_voxels).ok_or(RleError::Overrun)?;
    }
    if runs.is_empty() { Ok(()) } else { Err(RleError::Trailing) }
}

fn take_run(runs: &mut &[u8]) -> Result<(usize, u8), RleError> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = runs.split_first().ok_or(RleError::Truncated)?;
        *runs = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(RleError::Run);
        }
        n |= bits << shift;
        if byte & 0x80 == 0 {
            let (&label, rest) = runs.split_first().ok_or(RleError::Truncated)?;
            *runs = rest;
            // A length past the address space is past any grid too.
            let n = usize::try_from(n).unwrap_or(usize::MAX);
            return if n == 0 { Err(RleError::Run) } else { Ok((n, label)) };
        }
    }
    Err(RleError::Run)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{RleError, decode, encode, labels};
    use crate::Labelmap;

    const HEADER_2_1_1: &[u8] = b"VXR1\x02\0\0\0\x01\0\0\0\x01\0\0\0";

    fn check_refused(tail: &[u8], expected: RleError) {
        let bytes = [HEADER_2_1_1, tail].concat();
        assert_eq!(decode(&bytes, 1000), Err(expected));
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let mut map = Labelmap::new([20, 10, 1]);
        map.voxels[150] = 3;
        let expected = [
            b"VXR1".as_slice(),
            &[20, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0],
            &[0x96, 0x01, 0, 1, 3, 49, 0],
        ];
        assert_eq!(encode(&map), expected.concat());
    }

    #[test]
    fn labels_are_told_without_decoding() {
        let map = Labelmap { shape: [5, 1, 1], voxels: vec![0, 7, 7, 2, 255] };
        assert_eq!(labels(&encode(&map)), Ok(vec![2, 7, 255]));
        assert_eq!(labels(&encode(&Labelmap::new([2, 2, 2]))), Ok(Vec::new()));
        assert_eq!(labels(&encode(&map)[..20]), Err(RleError::Truncated));
    }

    #[test]
    fn hostile_bytes_are_refused() {
        check_refused(&[], RleError::Truncated);
        check_refused(&[0x80], RleError::Truncated);
        check_refused(&[2], RleError::Truncated);
        check_refused(&[1, 0], RleError::Truncated);
        check_refused(&[0, 0, 2, 0], RleError::Run);
        check_refused(&[3, 0], RleError::Overrun);
        check_refused(&[2, 0, 1, 0], RleError::Trailing);
        check_refused(&[0xff; 12], RleError::Run);
        check_refused(
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0],
            RleError::Overrun,
        );
        // A length may be written with idle bytes, up to the 64th bit and not past it.
        let idle =
            |last: u8| [&[0x82, 128, 128, 128, 128, 128, 128, 128, 128, last, 7][..]].concat();
        let bytes = [HEADER_2_1_1, &idle(0)].concat();
        assert_eq!(decode(&bytes, 2).map(|it| it.voxels), Ok(vec![7, 7]));
        check_refused(&idle(1), RleError::Overrun);
        check_refused(&idle(2), RleError::Run);
        assert_eq!(decode(b"VXR2", 1), Err(RleError::Magic));
        let empty = b"VXR1\x02\0\0\0\0\0\0\0\x01\0\0\0";
        assert_eq!(decode(empty, 1000), Err(RleError::Shape([2, 0, 1])));
        let huge = b"VXR1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(decode(huge, usize::MAX), Err(RleError::Shape([u32::MAX; 3])));
        assert_eq!(decode(&encode(&Labelmap::new([9, 9, 9])), 728), Err(RleError::Shape([9; 3])));
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(
            shape in proptest::array::uniform3(1_usize..9),
            labels in proptest::collection::vec(0_u8..3, 512),
            repeat in 1_usize..40,
        ) {
            let n = shape.iter().product();
            let voxels = (0..n).map(|it| labels[it / repeat]).collect();
            let map = Labelmap { shape, voxels };
            prop_assert_eq!(decode(&encode(&map), n), Ok(map));
        }

        #[test]
        fn no_bytes_make_it_panic(
            tail in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let bytes = [HEADER_2_1_1, &tail].concat();
            if let Ok(map) = decode(&bytes, 1000) {
                prop_assert_eq!(map.voxels.len(), 2);
            }
        }
    }
}
