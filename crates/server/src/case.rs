//! The whole case as one zip: mask, surfaces, pictures, measurements, and what they were made from.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::Arc,
};

use protocol::{
    job::{Image, Revision},
    label::Label,
    measure::{Measurements, ObjectMeasures},
    prompt::SlicePrompt,
    review::{Opinion, ReviewStep},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use volume::{MaskFormat, Palette, Volume, Window, render, surface, write_mask};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    blobs::BlobError,
    error::ApiError,
    exports::{self, object_file},
    measures::Chosen,
    results::palette,
    state::Server,
    surfaces::grid,
};

const README: &str = "\
What is in this archive

mask.nii.gz         the mask on the image's own grid; 0 is background, the objects' numbers are in
                    measurements.csv
mask.nrrd           the same for 3D Slicer
surfaces/           each object's surface: closed, smoothed, in millimetres, LPS (as 3D Slicer reads STL)
pictures/           each object on the axial slice where it is largest
measurements.csv    a line for each object
measurements.json   the same with the area on each slice
provenance.json     the image, the prompts, every revision of the mask with its author, engine and
                    weights (SHA-256), and the SHA-256 of each file here
image/              the image as it was opened, if it was asked for

Lengths are in millimetres, volumes in millilitres, places in RAS except in STL. Slices and voxels are
counted from 0 in the order in which the image stores them.

voxloop is a research tool and no medical device.
";

/// What a case is made of, gathered before the archive is written.
struct Case {
    chosen: Chosen,
    volume: Arc<Volume>,
    measured: Measurements,
    image: PathBuf,
    with_image: bool,
    provenance: Provenance,
}

/// What the mask was made from; `files` follow as they are written.
#[derive(Serialize)]
struct Provenance {
    voxloop: String,
    exported_ms: i64,
    job: protocol::job::JobSummary,
    labels: Vec<Label>,
    prompts: Vec<SlicePrompt>,
    revision: Revision,
    history: Vec<Revision>,
    reviews: Vec<ReviewStep>,
    opinions: Vec<Opinion>,
    files: Vec<FileDigest>,
}

/// One file of the archive.
#[derive(Serialize)]
struct FileDigest {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Server {
    /// The case as a zip in a file without a name, at its beginning, with its length.
    ///
    /// # Errors
    /// If the image has no such frame or cannot be read, or there is no room for the archive.
    pub(crate) async fn case_file(
        &self,
        chosen: Chosen,
        frame: u32,
        with_image: bool,
    ) -> Result<(File, u64), ApiError> {
        let job_id = chosen.job.summary.job_id;
        let image = &chosen.job.summary.image;
        let measured = self.measure(&chosen, frame).await?;
        let history = self.store.lineage(Some(chosen.revision.revision_id)).await?;
        let provenance = Provenance {
            voxloop: env!("CARGO_PKG_VERSION").to_owned(),
            exported_ms: self.now_ms(),
            job: chosen.job.summary.clone(),
            labels: chosen.job.labels.clone(),
            prompts: self.store.prompts(job_id).await?,
            revision: chosen.revision.clone(),
            history,
            reviews: self.store.review_steps(job_id).await?,
            opinions: self.store.opinions(job_id).await?,
            files: Vec::new(),
        };
        let case = Case {
            volume: self.volume(image, frame).await?,
            image: self.blobs.open(&image.sha256).await?,
            chosen,
            measured,
            with_image,
            provenance,
        };
        let folder = self.blobs.temporary().to_owned();
        tokio::task::spawn_blocking(move || {
            let file = tempfile::tempfile_in(folder).map_err(BlobError::Io)?;
            case.write(file)
        })
        .await?
    }
}

impl Case {
    fn write(self, file: File) -> Result<(File, u64), ApiError> {
        let io = |it: io::Error| ApiError::from(BlobError::Io(it));
        let mut archive = Archive { zip: ZipWriter::new(file), files: Vec::new() };
        archive.add("README.txt", &README.replace('\n', "\r\n")).map_err(io)?;
        let labelmap = &self.chosen.labelmap;
        for (name, format) in
            [("mask.nii.gz", MaskFormat::NiftiGz), ("mask.nrrd", MaskFormat::Nrrd)]
        {
            let mut bytes = Vec::new();
            write_mask(labelmap, &self.volume.header, format, &mut bytes)
                .map_err(|it| ApiError::internal(&it))?;
            archive.add(name, &bytes).map_err(io)?;
        }
        archive.add("measurements.csv", &exports::csv_bytes(&self.measured)?).map_err(io)?;
        archive.add("measurements.json", &exports::json_bytes(&self.measured)?).map_err(io)?;
        // What is hidden on the page is still part of the case.
        let shown = |it: &Label| Label { visible: true, ..it.clone() };
        let labels: Vec<_> = self.chosen.job.labels.iter().map(shown).collect();
        let palette = palette(&labels);
        for object in &self.measured.objects {
            let name = object_file(object.label, &object.name);
            archive.add(&format!("surfaces/{name}.stl"), &self.stl(object)?).map_err(io)?;
            if let Some(picture) = self.picture(object, &palette)? {
                archive.add(&format!("pictures/{name}.png"), &picture).map_err(io)?;
            }
        }
        if self.with_image {
            let name = format!("image/{}", safe_file_name(&self.chosen.job.summary.image));
            let mut image = File::open(&self.image).map_err(io)?;
            archive.add_from(&name, &mut image).map_err(io)?;
        }
        let provenance =
            Provenance { files: std::mem::take(&mut archive.files), ..self.provenance };
        archive.add("provenance.json", &exports::json_bytes(&provenance)?).map_err(io)?;
        let mut file = archive.zip.finish().map_err(|it| io(it.into()))?;
        let length = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.rewind().map_err(io)?;
        Ok((file, length))
    }

    fn stl(&self, object: &ObjectMeasures) -> Result<Vec<u8>, ApiError> {
        let labelmap = &self.chosen.labelmap;
        let grid = grid(&self.chosen.job.summary.image);
        let mesh = surface::surface(labelmap, &grid, object.label, &exports::KEPT);
        let mut bytes = Vec::new();
        surface::write_stl(&mesh, &mut bytes).map_err(|it| ApiError::internal(&it))?;
        Ok(bytes)
    }

    /// The slice where an object is largest.
    fn picture(
        &self,
        object: &ObjectMeasures,
        palette: &Palette,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let largest = object.areas.iter().rev().max_by(|a, b| a.area_mm2.total_cmp(&b.area_mm2));
        let Some(largest) = largest else { return Ok(None) };
        let (axis, index) = (usize::from(object.axis), largest.slice_index as usize);
        let overlay = render::Overlay { labelmap: &self.chosen.labelmap, palette };
        let window = Window::suggest(&self.volume);
        render::slice_png(&self.volume, Some(overlay), axis, index, window)
            .map(Some)
            .map_err(|it| ApiError::internal(&it))
    }
}

/// An archive that knows what it holds.
struct Archive {
    zip: ZipWriter<File>,
    files: Vec<FileDigest>,
}

impl Archive {
    fn add(&mut self, name: &str, bytes: &(impl AsRef<[u8]> + ?Sized)) -> io::Result<()> {
        self.add_from(name, &mut bytes.as_ref())
    }

    fn add_from(&mut self, name: &str, bytes: &mut dyn io::Read) -> io::Result<()> {
        // What is compressed already gains nothing, and images may be larger than 4 GiB.
        let is_compressed = [".gz", ".png", ".nrrd"].iter().any(|it| name.ends_with(it));
        let method =
            if is_compressed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(name.starts_with("image/"));
        self.zip.start_file(name, options)?;
        let mut hashed = Hashed { zip: &mut self.zip, hasher: Sha256::new() };
        let n_bytes = io::copy(bytes, &mut hashed)?;
        let sha256 = protocol::id::Sha256::from_digest(hashed.hasher.finalize().into()).to_string();
        self.files.push(FileDigest { name: name.to_owned(), bytes: n_bytes, sha256 });
        Ok(())
    }
}

/// Hashes what goes into the archive.
struct Hashed<'a> {
    zip: &'a mut ZipWriter<File>,
    hasher: Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.zip.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// The image's name in letters that every system takes, with its ending.
fn safe_file_name(image: &Image) -> String {
    let stem = exports::safe_stem(image);
    let ending = &image.file_name[exports::stem(&image.file_name).len()..];
    format!("source-{stem}{ending}")
}
