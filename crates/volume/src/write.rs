//! Writing masks on the grid of the image they belong to.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};

use crate::{
    Labelmap, SourceHeader, Volume, VoxelType, WriteError,
    nifti::{self, NiftiGeometry},
    nrrd::{self, NrrdGeometry},
    voxels::{Voxel, with_voxels},
};

/// The files that a mask can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MaskFormat {
    /// NIfTI in gzip, `.nii.gz`.
    NiftiGz,
    /// NIfTI, `.nii`.
    Nifti,
    /// NRRD with gzip voxels, `.nrrd`.
    Nrrd,
}

impl MaskFormat {
    /// The format that a file's name asks for.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match () {
            () if name.ends_with(".nii.gz") => Some(Self::NiftiGz),
            () if name.ends_with(".nii") => Some(Self::Nifti),
            () if name.ends_with(".nrrd") => Some(Self::Nrrd),
            () => None,
        }
    }

    /// The end of a file name in this format, with its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::NiftiGz => ".nii.gz",
            Self::Nifti => ".nii",
            Self::Nrrd => ".nrrd",
        }
    }
}

/// Writes a mask on its source's grid.
///
/// NIfTI from NIfTI repeats the source's geometry fields bit by bit (version, voxel sizes, units,
/// qform and sform with their codes), NRRD from NRRD its space and vectors; across formats the
/// affine is carried over. The same mask gives the same bytes each time.
///
/// # Errors
/// If the mask has another shape than the source, or the output cannot be written.
pub fn write_mask(
    labelmap: &Labelmap,
    source: &SourceHeader,
    format: MaskFormat,
    mut out: impl Write,
) -> Result<(), WriteError> {
    let grid = source.grid();
    if labelmap.shape != grid.shape || labelmap.voxels.len() != grid.n_voxels() {
        return Err(WriteError::Shape { mask: labelmap.shape, source_shape: grid.shape });
    }
    let image = Image { voxel_type: VoxelType::U8, slope: 1.0, intercept: 0.0 };
    write(&image, source, format, &mut out, |out| out.write_all(&labelmap.voxels))?;
    Ok(out.flush()?)
}

/// Writes a volume's voxels in their stored type, with slope and intercept, on its own grid.
///
/// # Errors
/// If the output cannot be written, or NRRD is asked for an image with slope or intercept.
pub fn write_volume(
    volume: &Volume,
    format: MaskFormat,
    mut out: impl Write,
) -> Result<(), WriteError> {
    let Volume { slope, intercept, .. } = *volume;
    if format == MaskFormat::Nrrd && !volume.is_unscaled() {
        return Err(WriteError::Scaling { slope, intercept });
    }
    let image = Image { voxel_type: volume.voxels.voxel_type(), slope, intercept };
    write(
        &image,
        &volume.header,
        format,
        &mut out,
        |out| with_voxels!(&volume.voxels, it => write_little_endian(it, out)),
    )?;
    Ok(out.flush()?)
}

/// What a header says about values rather than places.
pub(crate) struct Image {
    pub(crate) voxel_type: VoxelType,
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
}

fn write(
    image: &Image,
    source: &SourceHeader,
    format: MaskFormat,
    out: &mut dyn Write,
    voxels: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match format {
        MaskFormat::Nifti => {
            out.write_all(&nifti_header(image, source))?;
            voxels(out)
        }
        MaskFormat::NiftiGz => {
            let mut encoder = encoder(out);
            encoder.write_all(&nifti_header(image, source))?;
            voxels(&mut encoder)?;
            encoder.finish().map(|_| ())
        }
        MaskFormat::Nrrd => {
            out.write_all(nrrd_header(image, source).as_bytes())?;
            let mut encoder = encoder(out);
            voxels(&mut encoder)?;
            encoder.finish().map(|_| ())
        }
    }
}

fn write_little_endian<T: Voxel>(voxels: &[T], out: &mut dyn Write) -> io::Result<()> {
    if cfg!(target_endian = "little") {
        return out.write_all(bytemuck::cast_slice(voxels));
    }
    voxels.chunks(1 << 16).try_for_each(|chunk| {
        let swapped: Vec<T> = chunk.iter().map(|it| it.swapped()).collect();
        out.write_all(bytemuck::cast_slice(&swapped))
    })
}

/// Level 2 writes a mask in half of level 4's time and a tenth more bytes.
fn encoder<W: Write>(out: W) -> GzEncoder<W> {
    GzEncoder::new(out, Compression::new(2))
}

fn nifti_header(image: &Image, source: &SourceHeader) -> Vec<u8> {
    match source {
        SourceHeader::Nifti(it) => nifti::encode(image, it),
        SourceHeader::Nrrd(it) => nifti::encode(image, &NiftiGeometry::for_grid(&it.grid)),
    }
}

fn nrrd_header(image: &Image, source: &SourceHeader) -> String {
    match source {
        SourceHeader::Nifti(it) => nrrd::encode(image, &NrrdGeometry::for_grid(&it.grid)),
        SourceHeader::Nrrd(it) => nrrd::encode(image, it),
    }
}
