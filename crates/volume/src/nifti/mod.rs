//! NIfTI-1 and NIfTI-2 in one file (`.nii`), read by content.
//!
//! # Source
//! The headers `nifti1.h` and `nifti2.h` of the NIfTI data format working group. Where they leave
//! room, nibabel's answers are followed.

mod affine;
mod fields;
mod geometry;

pub use geometry::{NiftiGeometry, NiftiVersion};

use crate::{
    FileFormat, Grid, Header, ReadError, SourceHeader, VoxelType, grid::MAX_LENGTH, read::Parsed,
    stream::Stream,
};
pub(crate) use fields::encode;
use fields::{Fields, MAGIC_PAIR, MAGIC_SINGLE};

/// Whether a file begins with the size of a NIfTI header in either byte order.
pub(crate) fn has_header_size(start: &[u8]) -> bool {
    version_of(start).is_some()
}

/// Version and whether the byte order is not the machine's.
fn version_of(start: &[u8]) -> Option<(NiftiVersion, bool)> {
    let size = i32::from_ne_bytes(start.try_into().ok()?);
    [NiftiVersion::One, NiftiVersion::Two].into_iter().find_map(|version| {
        let header_size = version.header_size_i32();
        let is_swapped = size == header_size.swap_bytes();
        (size == header_size || is_swapped).then_some((version, is_swapped))
    })
}

pub(crate) fn parse(stream: &mut Stream<'_>, start: &[u8]) -> Result<Parsed, ReadError> {
    let Some((version, is_swapped)) = version_of(start) else {
        return Err(ReadError::bad("sizeof_hdr", "not 348 or 540", "expected 348 or 540"));
    };
    let mut bytes = start.to_vec();
    bytes.extend(stream.read_up_to(version.header_size() - start.len())?);
    let found = bytes.len() as u64;
    if bytes.len() < version.header_size() {
        let expected = version.header_size() as u64;
        return Err(ReadError::Truncated { field: "header", expected, found });
    }
    let fields = Fields::decode(&bytes, version, is_swapped);
    check_magic(&fields)?;
    let voxel_type = voxel_type(fields.datatype)?;
    let (shape, n_frames) = shape(&fields)?;
    let gap = gap(&fields, stream)?;
    let (slope, intercept) = scaling(&fields)?;
    let ras_from_voxel = affine::ras_from_voxel(&fields, shape)?;
    let grid = Grid { shape, ras_from_voxel };
    let header = Header {
        format: match version {
            NiftiVersion::One => FileFormat::Nifti1,
            NiftiVersion::Two => FileFormat::Nifti2,
        },
        grid,
        n_frames,
        voxel_type,
        slope,
        intercept,
        modality: modality(&fields),
        source: SourceHeader::Nifti(NiftiGeometry::of(&fields, grid)),
    };
    Ok(Parsed { header, is_swapped, is_interleaved: false, gap, has_gzip_voxels: false })
}

/// Converters write the echo time of an MR image into the description (`TE=2.9;Time=…`).
fn modality(fields: &Fields) -> Option<String> {
    let text = String::from_utf8_lossy(&fields.descrip);
    let mut words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '=' && it != '.');
    let tells_echo = words.any(|it| {
        it.strip_prefix("TE=").is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()))
    });
    tells_echo.then(|| "MR".to_owned())
}

fn check_magic(fields: &Fields) -> Result<(), ReadError> {
    let magic = &fields.magic[..3];
    let single = &MAGIC_SINGLE[fields.version.index()][..3];
    let pair = &MAGIC_PAIR[fields.version.index()][..3];
    let expected = "expected single-file NIfTI (.nii, magic n+1 or n+2)";
    match magic {
        it if it == single => Ok(()),
        it if it == pair => {
            Err(ReadError::bad("magic", "the header of a .hdr/.img pair", expected))
        }
        b"\0\0\0" => Err(ReadError::bad("magic", "empty (Analyze 7.5?)", expected)),
        it => Err(ReadError::bad("magic", format!("{:?}", String::from_utf8_lossy(it)), expected)),
    }
}

/// The codes of the types that can be read.
const DATATYPES: [(i16, VoxelType); 10] = [
    (2, VoxelType::U8),
    (4, VoxelType::I16),
    (8, VoxelType::I32),
    (16, VoxelType::F32),
    (64, VoxelType::F64),
    (256, VoxelType::I8),
    (512, VoxelType::U16),
    (768, VoxelType::U32),
    (1024, VoxelType::I64),
    (1280, VoxelType::U64),
];

/// The code of a type.
fn datatype(voxel_type: VoxelType) -> i16 {
    DATATYPES.iter().find(|(_, it)| *it == voxel_type).map_or(0, |(code, _)| *code)
}

fn voxel_type(datatype: i16) -> Result<VoxelType, ReadError> {
    if let Some((_, voxel_type)) = DATATYPES.iter().find(|(code, _)| *code == datatype) {
        return Ok(*voxel_type);
    }
    let name = match datatype {
        0 => "unknown",
        1 => "binary",
        32 => "complex64",
        128 => "RGB24",
        1536 => "float128",
        1792 => "complex128",
        2048 => "complex256",
        2304 => "RGBA32",
        _ => "not a NIfTI type",
    };
    let found = format!("{datatype} ({name})");
    Err(ReadError::bad("datatype", found, "expected int8 to uint64, float32 or float64"))
}

/// Shape in space and number of frames.
fn shape(fields: &Fields) -> Result<([usize; 3], usize), ReadError> {
    const NAMES: [&str; 8] =
        ["dim[0]", "dim[1]", "dim[2]", "dim[3]", "dim[4]", "dim[5]", "dim[6]", "dim[7]"];
    let n_dims = usize::try_from(fields.dim[0]).ok().filter(|it| (1..=7).contains(it));
    let Some(n_dims) = n_dims else {
        return Err(ReadError::bad("dim[0]", fields.dim[0], "expected 1 to 7"));
    };
    let mut lengths = [1_usize; 8];
    for axis in 1..=n_dims {
        let length = usize::try_from(fields.dim[axis]).ok();
        lengths[axis] = length.filter(|it| (1..=MAX_LENGTH).contains(it)).ok_or_else(|| {
            let expected = format!("expected 1 to {MAX_LENGTH}");
            ReadError::bad(NAMES[axis], fields.dim[axis], expected)
        })?;
    }
    let total = lengths.iter().try_fold(8_usize, |product, &it| product.checked_mul(it));
    if total.is_none() {
        return Err(ReadError::bad("dim", format!("{:?}", &lengths[1..]), "expected fewer voxels"));
    }
    Ok(([lengths[1], lengths[2], lengths[3]], lengths[4..].iter().product()))
}

/// Bytes between the header and the voxels.
fn gap(fields: &Fields, stream: &Stream<'_>) -> Result<u64, ReadError> {
    let least = fields.version.header_size() + 4;
    let offset = fields.vox_offset;
    // Zero means "right behind the header and its four extension bytes", as nibabel takes it.
    if offset == 0.0 {
        return Ok(4);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked here")]
    let whole = (offset.fract() == 0.0 && offset >= least as f64 && offset < 1e15)
        .then_some(offset as u64)
        .filter(|&it| it <= stream.max_len);
    let header_size = fields.version.header_size() as u64;
    whole.map(|it| it - header_size).ok_or_else(|| {
        let length =
            if stream.is_compressed { String::new() } else { format!(", {}", stream.max_len) };
        let expected = format!("expected a whole number from {least} to the file's length{length}");
        ReadError::bad("vox_offset", offset, expected)
    })
}

/// Slope and intercept: a slope of 0, infinity or NaN means that there are none.
fn scaling(fields: &Fields) -> Result<(f64, f64), ReadError> {
    if fields.scl_slope == 0.0 || !fields.scl_slope.is_finite() {
        return Ok((1.0, 0.0));
    }
    if !fields.scl_inter.is_finite() {
        return Err(ReadError::bad("scl_inter", fields.scl_inter, "expected a finite number"));
    }
    Ok((fields.scl_slope, fields.scl_inter))
}
