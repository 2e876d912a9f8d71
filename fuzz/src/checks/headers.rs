//! Headers with plausible fields, in NIfTI-1, NIfTI-2 and NRRD: what random bytes rarely become.

use arbitrary::{Arbitrary, Unstructured};
use volume::ReadOptions;

use super::files::{check_file, gzip};

/// Builds a file from the input and reads it in every way.
pub fn check(input: &[u8]) {
    let mut source = Unstructured::new(input);
    let (Ok(choice), Ok(options)) = (u8::arbitrary(&mut source), Reading::arbitrary(&mut source))
    else {
        return;
    };
    let file = if choice % 2 == 0 {
        Nifti::arbitrary(&mut source).map(|it| it.file())
    } else {
        Nrrd::arbitrary(&mut source).map(|it| it.file())
    };
    if let Ok(mut file) = file {
        file.truncate(file.len().saturating_sub(options.n_missing.0));
        let file = if options.is_packed { gzip(&file) } else { file };
        let frame = u32::from(options.frame % 3);
        check_file(&file, &ReadOptions { frame, max_bytes: 1 << 16 }, choice >> 1);
    }
}

#[derive(Debug, Arbitrary)]
struct Reading {
    frame: u8,
    is_packed: bool,
    n_missing: Missing,
}

/// Bytes cut off at the end: mostly none.
#[derive(Debug)]
struct Missing(usize);

impl<'a> Arbitrary<'a> for Missing {
    fn arbitrary(source: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let byte = u8::arbitrary(source)?;
        Ok(Self(usize::from(byte.saturating_sub(240))))
    }
}

/// A number that is often small, and sometimes anything.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Real {
    Zero,
    One,
    Tenths(i8),
    Thousands(i16),
    Single(f32),
    Double(f64),
}

impl Real {
    fn value(self) -> f64 {
        match self {
            Self::Zero => 0.0,
            Self::One => 1.0,
            Self::Tenths(it) => f64::from(it) / 10.0,
            Self::Thousands(it) => f64::from(it) * 1000.0,
            Self::Single(it) => f64::from(it),
            Self::Double(it) => it,
        }
    }
}

/// The length of an axis: mostly small.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Length {
    Small(u8),
    Any(i64),
}

impl Length {
    fn value(self) -> i64 {
        match self {
            Self::Small(it) => i64::from(it % 6) + 1,
            Self::Any(it) => it,
        }
    }
}

const DATATYPES: [(i16, usize, &str); 12] = [
    (2, 1, "uchar"),
    (4, 2, "short"),
    (8, 4, "int"),
    (16, 4, "float"),
    (64, 8, "double"),
    (256, 1, "int8"),
    (512, 2, "uint16"),
    (768, 4, "uint32"),
    (1024, 8, "longlong"),
    (1280, 8, "uint64"),
    (128, 3, "block"),
    (0, 1, ""),
];

/// As many bytes as the voxels of a small image take, from a short pattern.
fn voxels(lengths: impl Iterator<Item = i64>, size: usize, pattern: &[u8]) -> Vec<u8> {
    let total = lengths
        .map(|it| usize::try_from(it).unwrap_or(1))
        .try_fold(size, usize::checked_mul)
        .unwrap_or(0)
        .min(1 << 14);
    let pattern = if pattern.is_empty() { &[0] } else { pattern };
    pattern.iter().copied().cycle().take(total).collect()
}

#[derive(Debug, Arbitrary)]
struct Nifti {
    is_two: bool,
    is_swapped: bool,
    n_dims: u8,
    lengths: [Length; 7],
    datatype: u8,
    pixdim: [Real; 8],
    offset: Option<Real>,
    scaling: [Real; 2],
    codes: [i8; 2],
    quatern: [Real; 3],
    qoffset: [Real; 3],
    srow: [Real; 12],
    pattern: [u8; 8],
}

impl Nifti {
    fn file(&self) -> Vec<u8> {
        let size: usize = if self.is_two { 540 } else { 348 };
        let mut header = Writer { bytes: vec![0; size], nifti: self };
        header.int(0, 4, i64::try_from(size).unwrap());
        let magic: &[u8] = if self.is_two { b"n+2\0\r\n\x1a\n" } else { b"n+1\0" };
        let at = if self.is_two { 4 } else { 344 };
        header.bytes[at..at + magic.len()].copy_from_slice(magic);
        let (code, voxel_bytes, _) = DATATYPES[usize::from(self.datatype) % DATATYPES.len()];
        let n_dims = usize::from(self.n_dims % 9);
        let lengths: Vec<i64> = self.lengths.iter().map(|it| it.value()).collect();
        let dims: Vec<i64> =
            std::iter::once(i64::try_from(n_dims).unwrap()).chain(lengths.clone()).collect();
        let offset = self.offset.map_or(size as f64 + 4.0, Real::value);
        #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
        if self.is_two {
            header.int(12, 2, code.into());
            header.ints(16, 8, &dims);
            header.reals(104, &self.pixdim);
            header.int(168, 8, offset as i64);
            header.reals(176, &self.scaling);
            header.ints(344, 4, &self.codes.map(i64::from));
            header.reals(352, &self.quatern);
            header.reals(376, &self.qoffset);
            header.reals(400, &self.srow);
        } else {
            header.int(70, 2, code.into());
            header.ints(40, 2, &dims);
            header.reals(76, &self.pixdim);
            header.real(108, offset);
            header.reals(112, &self.scaling);
            header.ints(252, 2, &self.codes.map(i64::from));
            header.reals(256, &self.quatern);
            header.reals(268, &self.qoffset);
            header.reals(280, &self.srow);
        }
        let voxels = voxels(lengths.into_iter().take(n_dims), voxel_bytes, &self.pattern);
        [header.bytes, vec![0; 4], voxels].concat()
    }
}

/// Puts numbers into a header in the byte order that the input asks for.
struct Writer<'a> {
    bytes: Vec<u8>,
    nifti: &'a Nifti,
}

impl Writer<'_> {
    fn put(&mut self, at: usize, little_endian: &[u8]) {
        let mut bytes = little_endian.to_vec();
        if self.nifti.is_swapped {
            bytes.reverse();
        }
        self.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    fn int(&mut self, at: usize, size: usize, value: i64) {
        self.put(at, &value.to_le_bytes()[..size]);
    }

    fn ints(&mut self, at: usize, size: usize, values: &[i64]) {
        for (index, value) in values.iter().enumerate() {
            self.int(at + size * index, size, *value);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "NIfTI-1 holds 32 bits")]
    fn real(&mut self, at: usize, value: f64) {
        if self.nifti.is_two {
            self.put(at, &value.to_le_bytes());
        } else {
            self.put(at, &(value as f32).to_le_bytes());
        }
    }

    fn reals(&mut self, at: usize, values: &[Real]) {
        let size = if self.nifti.is_two { 8 } else { 4 };
        for (index, value) in values.iter().enumerate() {
            self.real(at + size * index, value.value());
        }
    }
}

#[derive(Debug, Arbitrary)]
#[cfg_attr(test, expect(clippy::struct_excessive_bools, reason = "independent words of a header"))]
struct Nrrd {
    n_dims: u8,
    lengths: [Length; 4],
    datatype: u8,
    space: u8,
    is_gzip: bool,
    is_big_endian: bool,
    directions: Option<[Option<[Real; 3]>; 4]>,
    has_plane_vectors: bool,
    origin: Option<[Real; 3]>,
    spacings: Option<[Real; 4]>,
    kinds: Option<[u8; 4]>,
    skip: Option<i16>,
    pattern: [u8; 8],
}

const SPACES: [&str; 8] = ["RAS", "LAS", "LPS", "scanner-xyz", "3D-right-handed", "", "RAST", "-"];
const KINDS: [&str; 6] = ["domain", "space", "vector", "list", "none", "RGB-color"];

impl Nrrd {
    fn file(&self) -> Vec<u8> {
        let n_dims = 1 + usize::from(self.n_dims % 4);
        let lengths: Vec<i64> = self.lengths[..n_dims].iter().map(|it| it.value()).collect();
        let (_, size, name) = DATATYPES[usize::from(self.datatype) % DATATYPES.len()];
        let joined = |words: Vec<String>| words.join(" ");
        let mut lines = vec![
            "NRRD0004".to_owned(),
            format!("type: {name}"),
            format!("dimension: {n_dims}"),
            format!("sizes: {}", joined(lengths.iter().map(ToString::to_string).collect())),
            format!("encoding: {}", if self.is_gzip { "gzip" } else { "raw" }),
            format!("endian: {}", if self.is_big_endian { "big" } else { "little" }),
        ];
        match SPACES[usize::from(self.space) % SPACES.len()] {
            "" => {}
            "-" => lines.push("space dimension: 3".to_owned()),
            space => lines.push(format!("space: {space}")),
        }
        let vector = |it: &[Real; 3]| {
            let n = if self.has_plane_vectors { 2 } else { 3 };
            let numbers: Vec<String> = it[..n].iter().map(|it| it.value().to_string()).collect();
            format!("({})", numbers.join(","))
        };
        if let Some(directions) = &self.directions {
            let vectors = directions[..n_dims].iter();
            let texts = vectors.map(|it| it.as_ref().map_or("none".to_owned(), vector)).collect();
            lines.push(format!("space directions: {}", joined(texts)));
        }
        if let Some(origin) = &self.origin {
            lines.push(format!("space origin: {}", vector(origin)));
        }
        if let Some(spacings) = &self.spacings {
            let numbers = spacings[..n_dims].iter().map(|it| it.value().to_string()).collect();
            lines.push(format!("spacings: {}", joined(numbers)));
        }
        if let Some(kinds) = &self.kinds {
            let names = kinds[..n_dims].iter();
            let names = names.map(|it| KINDS[usize::from(*it) % KINDS.len()].to_owned()).collect();
            lines.push(format!("kinds: {}", joined(names)));
        }
        if let Some(skip) = self.skip {
            lines.push(format!("byte skip: {skip}"));
        }
        let voxels = voxels(lengths.into_iter(), size, &self.pattern);
        let voxels = if self.is_gzip { gzip(&voxels) } else { voxels };
        [lines.join("\n").as_bytes(), b"\n\n", &voxels].concat()
    }
}
