//! The header fields that matter, as they lie in the file.

use super::{NiftiGeometry, NiftiVersion, datatype};
use crate::write::Image;

pub(super) const MAGIC_SINGLE: [[u8; 4]; 2] = [*b"n+1\0", *b"n+2\0"];
pub(super) const MAGIC_PAIR: [[u8; 4]; 2] = [*b"ni1\0", *b"ni2\0"];

/// Header fields; 32-bit values of NIfTI-1 are widened without loss.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) version: NiftiVersion,
    pub(super) magic: [u8; 4],
    pub(super) datatype: i16,
    pub(super) dim: [i64; 8],
    pub(super) pixdim: [f64; 8],
    pub(super) vox_offset: f64,
    pub(super) scl_slope: f64,
    pub(super) scl_inter: f64,
    pub(super) xyzt_units: i32,
    pub(super) qform_code: i32,
    pub(super) sform_code: i32,
    pub(super) quatern: [f64; 3],
    pub(super) qoffset: [f64; 3],
    pub(super) srow: [[f64; 4]; 3],
    pub(super) descrip: [u8; 80],
}

/// Where the fields lie in a header of one version.
struct Offsets {
    magic: usize,
    datatype: usize,
    dim: usize,
    pixdim: usize,
    vox_offset: usize,
    scl_slope: usize,
    xyzt_units: usize,
    descrip: usize,
    qform_code: usize,
    quatern: usize,
    qoffset: usize,
    srow: usize,
}

const OFFSETS: [Offsets; 2] = [
    Offsets {
        magic: 344,
        datatype: 70,
        dim: 40,
        pixdim: 76,
        vox_offset: 108,
        scl_slope: 112,
        xyzt_units: 123,
        descrip: 148,
        qform_code: 252,
        quatern: 256,
        qoffset: 268,
        srow: 280,
    },
    Offsets {
        magic: 4,
        datatype: 12,
        dim: 16,
        pixdim: 104,
        vox_offset: 168,
        scl_slope: 176,
        xyzt_units: 500,
        descrip: 240,
        qform_code: 344,
        quatern: 352,
        qoffset: 376,
        srow: 400,
    },
];

impl Fields {
    /// Takes the fields from a whole header.
    pub(super) fn decode(bytes: &[u8], version: NiftiVersion, is_swapped: bool) -> Self {
        let at = &OFFSETS[version.index()];
        let take = Take { bytes, version, is_swapped };
        Self {
            version,
            magic: take.bytes(at.magic),
            datatype: take.i16(at.datatype),
            dim: std::array::from_fn(|it| take.length(at.dim, it)),
            pixdim: take.reals(at.pixdim),
            vox_offset: take.vox_offset(at.vox_offset),
            scl_slope: take.real(at.scl_slope, 0),
            scl_inter: take.real(at.scl_slope, 1),
            xyzt_units: match version {
                NiftiVersion::One => i32::from(bytes[at.xyzt_units]),
                NiftiVersion::Two => take.i32(at.xyzt_units),
            },
            descrip: take.bytes(at.descrip),
            qform_code: take.code(at.qform_code, 0),
            sform_code: take.code(at.qform_code, 1),
            quatern: take.reals(at.quatern),
            qoffset: take.reals(at.qoffset),
            srow: std::array::from_fn(|row| {
                std::array::from_fn(|column| take.real(at.srow, 4 * row + column))
            }),
        }
    }
}

/// Numbers out of a header, by byte order and version.
struct Take<'a> {
    bytes: &'a [u8],
    version: NiftiVersion,
    is_swapped: bool,
}

impl Take<'_> {
    /// The `N` bytes at `at`, as they are.
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|it| self.bytes[at + it])
    }

    /// The `N` bytes at `at` in the machine's order.
    fn ordered<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = self.bytes(at);
        if self.is_swapped {
            bytes.reverse();
        }
        bytes
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_ne_bytes(self.ordered(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_ne_bytes(self.ordered(at))
    }

    fn length(&self, at: usize, index: usize) -> i64 {
        match self.version {
            NiftiVersion::One => i64::from(self.i16(at + 2 * index)),
            NiftiVersion::Two => i64::from_ne_bytes(self.ordered(at + 8 * index)),
        }
    }

    fn code(&self, at: usize, index: usize) -> i32 {
        match self.version {
            NiftiVersion::One => i32::from(self.i16(at + 2 * index)),
            NiftiVersion::Two => self.i32(at + 4 * index),
        }
    }

    fn real(&self, at: usize, index: usize) -> f64 {
        match self.version {
            NiftiVersion::One => f64::from(f32::from_ne_bytes(self.ordered(at + 4 * index))),
            NiftiVersion::Two => f64::from_ne_bytes(self.ordered(at + 8 * index)),
        }
    }

    fn reals<const N: usize>(&self, at: usize) -> [f64; N] {
        std::array::from_fn(|it| self.real(at, it))
    }

    fn vox_offset(&self, at: usize) -> f64 {
        match self.version {
            NiftiVersion::One => self.real(at, 0),
            NiftiVersion::Two => i64::from_ne_bytes(self.ordered(at)) as f64,
        }
    }
}

/// A little-endian header with its four extension bytes.
pub(crate) fn encode(image: &Image, geometry: &NiftiGeometry) -> Vec<u8> {
    let version = geometry.version;
    let at = &OFFSETS[version.index()];
    let size = version.header_size();
    let mut put = Put { bytes: vec![0; size + 4], version };
    put.bytes(0, &version.header_size_i32().to_le_bytes());
    put.bytes(at.magic, &MAGIC_SINGLE[version.index()]);
    if version == NiftiVersion::Two {
        put.bytes(8, b"\r\n\x1a\n");
    }
    put.bytes(at.datatype, &datatype(image.voxel_type).to_le_bytes());
    let bits = u16::try_from(8 * image.voxel_type.size()).unwrap_or(u16::MAX);
    put.bytes(at.datatype + 2, &bits.to_le_bytes());
    put.lengths(at.dim, geometry);
    put.reals(at.pixdim, &geometry.pixdim);
    put.vox_offset(at.vox_offset, size + 4);
    put.reals(at.scl_slope, &[image.slope, image.intercept]);
    match version {
        NiftiVersion::One => put.bytes(at.xyzt_units, &geometry.xyzt_units.to_le_bytes()[..1]),
        NiftiVersion::Two => put.bytes(at.xyzt_units, &geometry.xyzt_units.to_le_bytes()),
    }
    put.bytes(at.descrip, b"voxloop");
    put.codes(at.qform_code, &[geometry.qform_code, geometry.sform_code]);
    put.reals(at.quatern, &geometry.quatern);
    put.reals(at.qoffset, &geometry.qoffset);
    put.reals(at.srow, geometry.srow.as_flattened());
    put.bytes
}

/// Numbers into a little-endian header of one version.
struct Put {
    bytes: Vec<u8>,
    version: NiftiVersion,
}

impl Put {
    fn bytes(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    #[expect(clippy::cast_possible_truncation, reason = "NIfTI-1 values came from 32 bits")]
    fn reals(&mut self, at: usize, values: &[f64]) {
        for (index, &value) in values.iter().enumerate() {
            match self.version {
                NiftiVersion::One => self.bytes(at + 4 * index, &(value as f32).to_le_bytes()),
                NiftiVersion::Two => self.bytes(at + 8 * index, &value.to_le_bytes()),
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "NIfTI-1 codes came from 16 bits")]
    fn codes(&mut self, at: usize, values: &[i32]) {
        for (index, &value) in values.iter().enumerate() {
            match self.version {
                NiftiVersion::One => self.bytes(at + 2 * index, &(value as i16).to_le_bytes()),
                NiftiVersion::Two => self.bytes(at + 4 * index, &value.to_le_bytes()),
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "NIfTI-1 is only chosen for lengths that fit 16 bits"
    )]
    fn lengths(&mut self, at: usize, geometry: &NiftiGeometry) {
        let mut dim = [1; 8];
        dim[0] = geometry.n_dims;
        dim[1..4].copy_from_slice(&geometry.grid.shape);
        for (index, value) in dim.into_iter().enumerate() {
            match self.version {
                NiftiVersion::One => self.bytes(at + 2 * index, &(value as i16).to_le_bytes()),
                NiftiVersion::Two => self.bytes(at + 8 * index, &(value as i64).to_le_bytes()),
            }
        }
    }

    fn vox_offset(&mut self, at: usize, offset: usize) {
        match self.version {
            NiftiVersion::One => self.reals(at, &[offset as f64]),
            NiftiVersion::Two => self.bytes(at, &(offset as u64).to_le_bytes()),
        }
    }
}
