//! Writing masks on the grid of the image they belong to.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::{
    Labelmap, SourceHeader, WriteError,
    nifti::{self, NiftiGeometry},
    nrrd::{self, NrrdGeometry},
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
        return Err(WriteError::Shape {
            mask: labelmap.shape,
            source_shape: grid.shape,
        });
    }
    match format {
        MaskFormat::Nifti => {
            out.write_all(&nifti_header(source))?;
            out.write_all(&labelmap.voxels)?;
        }
        MaskFormat::NiftiGz => {
            let mut encoder = encoder(&mut out);
            encoder.write_all(&nifti_header(source))?;
            encoder.write_all(&labelmap.voxels)?;
            encoder.finish()?;
        }
        MaskFormat::Nrrd => {
            out.write_all(nrrd_header(source).as_bytes())?;
            let mut encoder = encoder(&mut out);
            encoder.write_all(&labelmap.voxels)?;
            encoder.finish()?;
        }
    }
    out.flush()?;
    Ok(())
}

fn encoder<W: Write>(out: W) -> GzEncoder<W> {
    GzEncoder::new(out, Compression::new(4))
}

fn nifti_header(source: &SourceHeader) -> Vec<u8> {
    match source {
        SourceHeader::Nifti(it) => nifti::encode(it),
        SourceHeader::Nrrd(it) => nifti::encode(&NiftiGeometry::for_grid(&it.grid)),
    }
}

fn nrrd_header(source: &SourceHeader) -> String {
    match source {
        SourceHeader::Nifti(it) => nrrd::encode(&NrrdGeometry::for_grid(&it.grid)),
        SourceHeader::Nrrd(it) => nrrd::encode(it),
    }
}
