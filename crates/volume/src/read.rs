//! Opening a file: what it is by its content, then its header, then its voxels.

use std::{fs::File, io::BufReader, path::Path};

use crate::{
    Distribution, Grid, ReadError, Volume, VoxelType, Voxels,
    nifti::{self, NiftiGeometry},
    nrrd::{self, NrrdGeometry},
    stream::{Layout, Stream, read_voxels, visit_parts},
    voxels::with_voxel_type,
};

/// What to read of a file, and how much of it is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// The frame of a file with more than three dimensions; 0 is the first.
    pub frame: u32,
    /// Most bytes that the voxels may take in memory, and most that may have to be decompressed to
    /// reach the end of the frame.
    pub max_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { frame: 0, max_bytes: 8 << 30 }
    }
}

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// NIfTI-1 in one file.
    Nifti1,
    /// NIfTI-2 in one file.
    Nifti2,
    /// NRRD with attached header.
    Nrrd,
}

/// What a file's header says.
#[derive(Debug, Clone)]
pub struct Header {
    /// The format.
    pub format: FileFormat,
    /// Where the voxels lie.
    pub grid: Grid,
    /// Number of frames; 1 for a plain volume.
    pub n_frames: usize,
    /// The stored type.
    pub voxel_type: VoxelType,
    /// Factor from stored to scaled values.
    pub slope: f64,
    /// Added after the factor.
    pub intercept: f64,
    /// The kind of machine that the file names, as DICOM spells it (`CT`, `MR` …); none where it names
    /// none. A NIfTI file names none: one that tells of an echo time is of an `MR`.
    pub modality: Option<String>,
    /// What is needed to write a mask on this grid.
    pub source: SourceHeader,
}

/// What must be kept of a file to write a mask on its grid with its own affine and codes.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceHeader {
    /// Of a NIfTI file.
    Nifti(NiftiGeometry),
    /// Of an NRRD file.
    Nrrd(NrrdGeometry),
}

impl SourceHeader {
    /// The header that a NIfTI-1 file on this grid would have.
    #[must_use]
    pub fn for_grid(grid: &Grid) -> Self {
        Self::Nifti(NiftiGeometry::for_grid(grid))
    }

    /// Where the voxels lie.
    #[must_use]
    pub fn grid(&self) -> Grid {
        match self {
            Self::Nifti(it) => it.grid,
            Self::Nrrd(it) => it.grid,
        }
    }
}

/// A parsed header and where its voxels are.
#[expect(clippy::struct_excessive_bools, reason = "three independent facts of a file")]
pub(crate) struct Parsed {
    pub(crate) header: Header,
    pub(crate) is_swapped: bool,
    /// Frames are interleaved voxel by voxel rather than one after the other.
    pub(crate) is_interleaved: bool,
    /// Bytes between the header's end and the voxels.
    pub(crate) gap: u64,
    /// The voxels are compressed, the header is not (NRRD).
    pub(crate) has_gzip_voxels: bool,
}

/// How a format calls the fields that errors about voxels name.
struct FieldNames {
    shape: &'static str,
    gap: &'static str,
}

impl FieldNames {
    fn of(format: FileFormat) -> Self {
        match format {
            FileFormat::Nifti1 | FileFormat::Nifti2 => Self { shape: "dim", gap: "vox_offset" },
            FileFormat::Nrrd => Self { shape: "sizes", gap: "byte skip" },
        }
    }
}

/// Reads one frame of a NIfTI-1, NIfTI-2 or NRRD file, compressed or not.
///
/// The format is recognised by the content; `file_name` only helps to say what a foreign file is.
/// Frames that follow are neither read nor decompressed. Bytes behind the last one are refused,
/// unlike nibabel and ITK do: they mean that the header does not tell the truth about the file.
///
/// # Errors
/// If the content is something else, a header field is not supported or cannot be, the file is cut
/// short or damaged, or the voxels exceed `options.max_bytes`.
pub fn read(path: &Path, file_name: &str, options: &ReadOptions) -> Result<Volume, ReadError> {
    read_stream(open(path)?, file_name, options)
}

/// As [`read`], from memory.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(
    bytes: &[u8],
    file_name: &str,
    options: &ReadOptions,
) -> Result<Volume, ReadError> {
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    read_stream(Stream::open(bytes, len)?, file_name, options)
}

/// Reads a file whole without keeping its voxels: the header, and how the intensities of the chosen
/// frame are distributed. Takes a few megabytes of memory, whatever the file's size.
///
/// # Errors
/// As [`read`].
pub fn survey(
    path: &Path,
    file_name: &str,
    options: &ReadOptions,
) -> Result<(Header, Distribution), ReadError> {
    let mut stream = open(path)?;
    let parsed = parse(&mut stream, file_name)?;
    let Frame { mut stream, layout, last } = frame(stream, &parsed, options)?;
    let header = parsed.header;
    let scale = [header.slope, header.intercept];
    let mut distribution = Distribution::new(header.voxel_type, layout.n_voxels, scale);
    with_voxel_type!(header.voxel_type, T => {
        visit_parts(&mut stream, &layout, |part: &[T]| {
            distribution.add(part);
            Ok(())
        })
    })?;
    stream.finish(last)?;
    Ok((header, distribution))
}

/// Reads the header alone.
///
/// # Errors
/// As [`read`], except for what only shows in the voxels.
pub fn read_header(path: &Path, file_name: &str) -> Result<Header, ReadError> {
    Ok(parse(&mut open(path)?, file_name)?.header)
}

fn open(path: &Path) -> Result<Stream<'static>, ReadError> {
    let file = File::open(path).map_err(ReadError::Io)?;
    let len = file.metadata().map_err(ReadError::Io)?.len();
    Stream::open(BufReader::with_capacity(1 << 18, file), len)
}

fn read_stream(
    mut stream: Stream<'_>,
    file_name: &str,
    options: &ReadOptions,
) -> Result<Volume, ReadError> {
    let parsed = parse(&mut stream, file_name)?;
    let voxels = read_frame(stream, &parsed, options)?;
    let header = parsed.header;
    Ok(Volume {
        grid: header.grid,
        voxels,
        slope: header.slope,
        intercept: header.intercept,
        n_frames: header.n_frames,
        frame: usize::try_from(options.frame).unwrap_or(usize::MAX),
        header: header.source,
    })
}

fn parse(stream: &mut Stream<'_>, file_name: &str) -> Result<Parsed, ReadError> {
    let start = stream.read_up_to(4)?;
    match start.as_slice() {
        b"NRRD" => nrrd::parse(stream),
        it if nifti::has_header_size(it) => nifti::parse(stream, &start),
        _ => {
            let mut head = start;
            head.extend(stream.read_up_to(508)?);
            Err(ReadError::Format { found: describe(&head, file_name, stream.is_compressed) })
        }
    }
}

fn read_frame(
    stream: Stream<'_>,
    parsed: &Parsed,
    options: &ReadOptions,
) -> Result<Voxels, ReadError> {
    let Frame { mut stream, layout, last } = frame(stream, parsed, options)?;
    let voxels = read_voxels(&mut stream, &layout)?;
    stream.finish(last)?;
    Ok(voxels)
}

/// A stream that stands at a frame's first voxel.
struct Frame<'a> {
    stream: Stream<'a>,
    layout: Layout,
    /// The field of the shape, where nothing may follow the frame.
    last: Option<&'static str>,
}

/// Checks that the frame can be there and goes to its first voxel.
fn frame<'a>(
    mut stream: Stream<'a>,
    parsed: &Parsed,
    options: &ReadOptions,
) -> Result<Frame<'a>, ReadError> {
    let header = &parsed.header;
    let names = FieldNames::of(header.format);
    let frame = usize::try_from(options.frame).unwrap_or(usize::MAX);
    if frame >= header.n_frames {
        let expected = format!("expected less than the file's {} frames", header.n_frames);
        return Err(ReadError::bad("frame", frame, expected));
    }
    let layout = Layout {
        voxel_type: header.voxel_type,
        n_voxels: header.grid.n_voxels(),
        is_swapped: parsed.is_swapped,
        n_components: if parsed.is_interleaved { header.n_frames } else { 1 },
        component: if parsed.is_interleaved { frame } else { 0 },
    };
    let frame_bytes = layout.n_voxels as u64 * header.voxel_type.size() as u64;
    let n_before = if parsed.is_interleaved { 0 } else { frame as u64 };
    let n_stored = if parsed.is_interleaved { header.n_frames as u64 } else { n_before + 1 };
    let expected = frame_bytes.saturating_mul(n_stored);
    // A few bytes of gzip can stand for hours of zeros in front of the frame.
    let is_compressed = stream.is_compressed || parsed.has_gzip_voxels;
    let needed = if is_compressed { expected } else { frame_bytes };
    let limit = options.max_bytes;
    if needed > limit {
        return Err(ReadError::TooLarge { field: names.shape, needed, limit });
    }
    if is_compressed && parsed.gap > limit {
        let expected = format!("expected at most the limit of {limit} bytes");
        return Err(ReadError::bad(names.gap, parsed.gap, expected));
    }
    stream.skip(parsed.gap, names.gap)?;
    if parsed.has_gzip_voxels {
        stream = stream.gunzip();
    }
    if expected > stream.max_len {
        return Err(ReadError::Truncated { field: "voxels", expected, found: stream.max_len });
    }
    stream.skip(n_before * frame_bytes, "voxels")?;
    let is_last = parsed.is_interleaved || frame + 1 == header.n_frames;
    Ok(Frame { stream, layout, last: is_last.then_some(names.shape) })
}

/// Says what a foreign file looks like, for the person who chose it.
fn describe(head: &[u8], file_name: &str, is_compressed: bool) -> String {
    let what = kind_of(head).unwrap_or_else(|| {
        let name = file_name.to_ascii_lowercase();
        let is_text = !head.is_empty()
            && head.iter().all(|it| matches!(it, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..));
        match () {
            () if head.is_empty() => "an empty file",
            () if name.ends_with(".img") || name.ends_with(".img.gz") => {
                "the voxels of a .hdr/.img pair; only single-file NIfTI (.nii) is read"
            }
            () if is_text => "text",
            () => "content of no known kind",
        }
    });
    if is_compressed { format!("{what}, inside gzip") } else { what.to_owned() }
}

fn kind_of(head: &[u8]) -> Option<&'static str> {
    let kinds: &[(usize, &[u8], &str)] = &[
        (0, b"\x89PNG", "a PNG picture"),
        (0, b"\xff\xd8\xff", "a JPEG picture"),
        (0, b"GIF8", "a GIF picture"),
        (0, b"BM", "a BMP picture"),
        (0, b"II*\0", "a TIFF picture"),
        (0, b"MM\0*", "a TIFF picture"),
        (0, b"II+\0", "a BigTIFF picture"),
        (0, b"PK\x03\x04", "a zip archive"),
        (0, b"\x1f\x8b", "gzip within gzip"),
        (0, b"BZh", "bzip2 data"),
        (0, b"\xfd7zXZ", "xz data"),
        (0, b"(\xb5/\xfd", "Zstandard data"),
        (0, b"7z\xbc\xaf", "a 7-Zip archive"),
        (0, b"Rar!", "a RAR archive"),
        (0, b"%PDF", "a PDF document"),
        (0, b"\x89HDF", "an HDF5 file (MINC 2?)"),
        (0, b"CDF", "a NetCDF file (MINC 1?)"),
        (0, b"\x93NUMPY", "a NumPy array"),
        (0, b"ObjectType", "a MetaImage header (MHA/MHD)"),
        (0, b"NDims", "a MetaImage header (MHA/MHD)"),
        (0, b"{", "JSON text"),
        (0, b"<", "XML or HTML text"),
        (0, b"\x00\x00\x01\x01", "a FreeSurfer volume (MGH)"),
        (0, b"\x00\x00\x00\x01", "a FreeSurfer volume (MGH)"),
        (128, b"DICM", "a DICOM file"),
        (257, b"ustar", "a tar archive"),
    ];
    let found = kinds
        .iter()
        .find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    found.map(|(_, _, kind)| *kind)
}
