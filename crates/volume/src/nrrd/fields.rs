//! The text header: fields by name.

use std::io::BufRead;

use super::NrrdGeometry;
use crate::{
    ReadError, VoxelType,
    stream::{Stream, damage},
    write::Image,
};

/// Longer headers are hostile.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// The `field: value` lines of a header.
pub(super) struct Fields {
    entries: Vec<(String, String)>,
    /// Bytes of the header with its closing empty line.
    pub(super) header_len: u64,
    /// The kind of machine that a key–value pair names.
    pub(super) modality: Option<String>,
}

/// Keys of programs that keep the modality of the DICOM files that they read.
const MODALITY_KEYS: [&str; 4] = ["modality", "0008|0060", "dicom_0008_0060", "dicom.modality"];

impl Fields {
    /// Reads from behind `NRRD` to the empty line.
    pub(super) fn read(stream: &mut Stream<'_>) -> Result<Self, ReadError> {
        let mut fields = Self { entries: Vec::new(), header_len: 4, modality: None };
        let version = fields.line(stream)?.unwrap_or_default();
        if !matches!(version.as_str(), "0001" | "0002" | "0003" | "0004" | "0005") {
            let found = format!("NRRD{version:?}");
            return Err(ReadError::bad("magic", found, "expected NRRD0001 to NRRD0005"));
        }
        while let Some(line) = fields.line(stream)? {
            if line.is_empty() {
                return Ok(fields);
            }
            fields.push(&line);
        }
        // The header of a detached pair may end with its file.
        if fields.get("data file").is_some() {
            return Ok(fields);
        }
        let field = "header";
        Err(ReadError::Truncated {
            field,
            expected: fields.header_len + 1,
            found: fields.header_len,
        })
    }

    /// The next line without its end, or `None` at the end of the file.
    fn line(&mut self, stream: &mut Stream<'_>) -> Result<Option<String>, ReadError> {
        let mut line = Vec::new();
        let room = MAX_HEADER_BYTES - self.header_len;
        let mut limited = std::io::Read::take(&mut stream.reader, room);
        let n = limited.read_until(b'\n', &mut line).map_err(damage)? as u64;
        if n == room {
            let expected = format!("expected at most {MAX_HEADER_BYTES} bytes");
            return Err(ReadError::bad("header", "endless", expected));
        }
        self.header_len += n;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    /// Keeps a field; of the key–value pairs (`key:=value`) only the modality is needed, of the comments
    /// nothing.
    fn push(&mut self, line: &str) {
        let Some((name, value)) = line.split_once(':') else {
            return;
        };
        if line.starts_with('#') {
            return;
        }
        if let Some(value) = value.strip_prefix('=') {
            if MODALITY_KEYS.contains(&name.trim().to_ascii_lowercase().as_str()) {
                self.modality = Some(value.trim().to_ascii_uppercase());
            }
            return;
        }
        let name = match name.trim().to_ascii_lowercase().as_str() {
            "datafile" => "data file".to_owned(),
            "byteskip" => "byte skip".to_owned(),
            "lineskip" => "line skip".to_owned(),
            it => it.to_owned(),
        };
        self.entries.push((name, value.trim().to_owned()));
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, ReadError> {
        self.get(name).ok_or_else(|| ReadError::bad(name, "missing", "expected the field"))
    }
}

/// A header for gzip voxels in little-endian order, with its closing empty line.
pub(crate) fn encode(image: &Image, geometry: &NrrdGeometry) -> String {
    let [ni, nj, nk] = geometry.grid.shape;
    let vector = |it: &[f64; 3]| format!("({:?},{:?},{:?})", it[0], it[1], it[2]);
    let type_name = match image.voxel_type {
        VoxelType::F32 => "float",
        VoxelType::F64 => "double",
        VoxelType::I8
        | VoxelType::U8
        | VoxelType::I16
        | VoxelType::U16
        | VoxelType::I32
        | VoxelType::U32
        | VoxelType::I64
        | VoxelType::U64 => image.voxel_type.name(),
    };
    let space = match geometry.space.name() {
        Some(name) => format!("space: {name}"),
        None => "space dimension: 3".to_owned(),
    };
    let directions = geometry.directions.each_ref().map(vector).join(" ");
    let origin = vector(&geometry.origin);
    format!(
        "NRRD0005\n# voxloop\ntype: {type_name}\ndimension: 3\n{space}\nsizes: {ni} {nj} {nk}\n\
         space directions: {directions}\nkinds: domain domain domain\nendian: little\n\
         encoding: gzip\nspace origin: {origin}\n\n"
    )
}
