//! NRRD with attached header, raw or gzip.
//!
//! # Source
//! "Definition of NRRD File Format" of the Teem project; where an image gives no orientation, ITK's
//! reading (axes along L, P, S) is followed.

mod fields;
mod geometry;

pub use geometry::{NrrdGeometry, NrrdSpace};

use crate::{FileFormat, Header, ReadError, SourceHeader, VoxelType, read::Parsed, stream::Stream};
use fields::Fields;
pub(crate) use fields::encode;
use geometry::Axes;

/// Parses the header; the four bytes `NRRD` are already gone.
pub(crate) fn parse(stream: &mut Stream<'_>) -> Result<Parsed, ReadError> {
    let fields = Fields::read(stream)?;
    refuse_detached(&fields)?;
    let voxel_type = voxel_type(fields.required("type")?)?;
    let has_gzip_voxels = is_gzip(fields.required("encoding")?)?;
    let is_swapped = voxel_type.size() > 1 && is_swapped(&fields)?;
    let axes = Axes::of(&fields)?;
    let geometry = geometry::geometry(&fields, &axes)?;
    let frame_bytes = geometry.grid.n_voxels() as u64 * voxel_type.size() as u64;
    let gap = gap(&fields, stream, frame_bytes.saturating_mul(axes.n_frames as u64))?;
    let header = Header {
        format: FileFormat::Nrrd,
        grid: geometry.grid,
        n_frames: axes.n_frames,
        voxel_type,
        slope: 1.0,
        intercept: 0.0,
        modality: fields.modality,
        source: SourceHeader::Nrrd(geometry),
    };
    Ok(Parsed { header, is_swapped, is_interleaved: axes.is_interleaved, gap, has_gzip_voxels })
}

fn refuse_detached(fields: &Fields) -> Result<(), ReadError> {
    match fields.get("data file") {
        None => Ok(()),
        Some(_) => Err(ReadError::bad(
            "data file",
            "another file",
            "expected the voxels in the same file as the header (.nrrd, not .nhdr)",
        )),
    }
}

fn voxel_type(text: &str) -> Result<VoxelType, ReadError> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "signed char" | "int8" | "int8_t" => VoxelType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => VoxelType::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => {
            VoxelType::I16
        }
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => {
            VoxelType::U16
        }
        "int" | "signed int" | "int32" | "int32_t" => VoxelType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => VoxelType::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => VoxelType::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => {
            VoxelType::U64
        }
        "float" => VoxelType::F32,
        "double" => VoxelType::F64,
        _ => {
            let found = format!("{text:?}");
            return Err(ReadError::bad("type", found, "expected int8 to uint64, float or double"));
        }
    })
}

fn is_gzip(text: &str) -> Result<bool, ReadError> {
    match text.to_ascii_lowercase().as_str() {
        "raw" => Ok(false),
        "gzip" | "gz" => Ok(true),
        _ => Err(ReadError::bad("encoding", format!("{text:?}"), "expected raw or gzip")),
    }
}

fn is_swapped(fields: &Fields) -> Result<bool, ReadError> {
    match fields.required("endian")?.to_ascii_lowercase().as_str() {
        "little" => Ok(cfg!(target_endian = "big")),
        "big" => Ok(cfg!(target_endian = "little")),
        it => Err(ReadError::bad("endian", format!("{it:?}"), "expected little or big")),
    }
}

/// Bytes between the header and the voxels, of which there are `voxel_bytes` in all.
fn gap(fields: &Fields, stream: &Stream<'_>, voxel_bytes: u64) -> Result<u64, ReadError> {
    if let Some(text) = fields.get("line skip").filter(|it| *it != "0") {
        return Err(ReadError::bad("line skip", text, "expected 0"));
    }
    let Some(text) = fields.get("byte skip") else {
        return Ok(0);
    };
    let expected = "expected 0, or for raw encoding up to the file's length";
    let is_raw = !is_gzip(fields.required("encoding")?)?;
    match text.parse::<i64>() {
        Ok(0) => Ok(0),
        Ok(-1) if is_raw && !stream.is_compressed => stream
            .max_len
            .checked_sub(fields.header_len)
            .and_then(|it| it.checked_sub(voxel_bytes))
            .ok_or(ReadError::Truncated {
                field: "voxels",
                expected: voxel_bytes,
                found: stream.max_len,
            }),
        Ok(n) if is_raw => u64::try_from(n)
            .ok()
            .filter(|&it| it <= stream.max_len)
            .ok_or_else(|| ReadError::bad("byte skip", n, expected)),
        _ => Err(ReadError::bad("byte skip", text, expected)),
    }
}
