//! Images: an upload becomes an [`Image`], and decoded volumes are kept while they are in use.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{
    id::Sha256,
    job::{Image, Modality},
    system::Reason,
    task::ImageRef,
};
use volume::{ReadError, ReadOptions, Volume};

use crate::{error::ApiError, jobs::image_ref, prompts::check_frame, state::Server};

/// Below this intensity there is air in Hounsfield units: nothing but a CT goes so low.
const AIR_IN_CT: f64 = -500.0;

/// Reads an uploaded file from end to end, so that only images that can be used become jobs; its
/// voxels are not kept.
///
/// # Errors
/// If it is not an image that can be read; the error names the field.
pub(crate) fn inspect(
    path: &Path,
    file_name: &str,
    sha256: Sha256,
    modality: Option<Modality>,
    max_image_bytes: u64,
) -> Result<Image, ReadError> {
    let options = ReadOptions { frame: 0, max_bytes: max_image_bytes };
    let (header, distribution) = volume::survey(path, file_name, &options)?;
    let intensity_range = distribution.range().unwrap_or_default();
    let percentiles = distribution.percentiles(&[0.5, 99.5]);
    let told = match header.modality.as_deref() {
        Some("CT") => Some(Modality::Ct),
        Some("MR") => Some(Modality::Mr),
        Some(_) | None => (intensity_range[0] < AIR_IN_CT).then_some(Modality::Ct),
    };
    let grid = &header.grid;
    Ok(Image {
        sha256,
        file_name: file_name.to_owned(),
        bytes: std::fs::metadata(path).map_or(0, |it| it.len()),
        shape: grid.shape.map(|it| u32::try_from(it).unwrap_or(u32::MAX)),
        n_frames: u32::try_from(header.n_frames).unwrap_or(u32::MAX),
        spacing_mm: grid.spacing_mm(),
        axis_codes: grid.axis_codes().to_string(),
        ras_from_voxel: grid.ras_from_voxel.rows,
        modality: modality.or(told).unwrap_or_default(),
        intensity_range,
        intensity_percentiles: [percentiles[0], percentiles[1]],
    })
}

/// An unreadable upload, with the header field that is wrong.
pub(crate) fn unreadable(error: &ReadError) -> ApiError {
    let field = error.field().map_or_else(|| "file".to_owned(), |it| format!("file: {it}"));
    let refused = |message: String| ApiError::invalid(&field, message);
    let text = error.to_string();
    match error {
        ReadError::Io(_) => ApiError::internal(error),
        ReadError::TooLarge { needed, limit, .. } => {
            let values = [("needed", needed.to_string()), ("limit", limit.to_string())];
            refused(format!("{text} (MAX_IMAGE)")).because(Reason::ImageTooLarge, values)
        }
        ReadError::Truncated { .. } => {
            refused(format!("{text}; save or download it again")).because(Reason::CutShort, [])
        }
        ReadError::Damaged(_) => {
            refused(format!("{text}; save or download it again")).because(Reason::DamagedFile, [])
        }
        ReadError::Format { found } => {
            refused(text).because(Reason::NotAVolume, [("found", found.clone())])
        }
        ReadError::Field { field, found, .. } => {
            let values = [("field", (*field).to_owned()), ("found", found.clone())];
            refused(text).because(Reason::HeaderField, values)
        }
        ReadError::Trailing { .. } => refused(text).because(Reason::TrailingBytes, []),
        ReadError::Memory { needed } => {
            refused(text).because(Reason::NoMemory, [("needed", needed.to_string())])
        }
    }
}

/// Decoded volumes, the most recently used first, within a limit of bytes.
#[derive(Debug)]
pub struct ImageCache {
    limit_bytes: u64,
    recent: Mutex<Vec<(ImageRef, Arc<Volume>)>>,
}

impl ImageCache {
    /// An empty cache.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, recent: Mutex::default() }
    }

    /// A volume, from the cache or from its file.
    ///
    /// # Errors
    /// If the file cannot be read as an image.
    pub fn get_or_read(
        &self,
        image: &ImageRef,
        path: &Path,
        max_bytes: u64,
    ) -> Result<Arc<Volume>, ReadError> {
        if let Some(volume) = self.get(image) {
            return Ok(volume);
        }
        let options = ReadOptions { frame: image.frame, max_bytes };
        let volume = Arc::new(volume::read(path, image.sha256.as_str(), &options)?);
        self.put(image.clone(), Arc::clone(&volume));
        Ok(volume)
    }

    fn get(&self, image: &ImageRef) -> Option<Arc<Volume>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let place = recent.iter().position(|(it, _)| have_same_voxels(it, image))?;
        let entry = recent.remove(place);
        recent.insert(0, entry);
        Some(Arc::clone(&recent[0].1))
    }

    /// Puts a volume first; the least recently used ones go when there is no room.
    fn put(&self, image: ImageRef, volume: Arc<Volume>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(it, _)| !have_same_voxels(it, &image));
        recent.insert(0, (image, volume));
        let mut bytes = 0;
        recent.retain(|(_, it)| {
            bytes += it.voxels.as_bytes().len() as u64;
            bytes <= self.limit_bytes
        });
    }

    /// Forgets an image.
    pub fn forget(&self, sha256: &Sha256) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(it, _)| it.sha256 != *sha256);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What people say about an image does not change its voxels.
fn have_same_voxels(one: &ImageRef, other: &ImageRef) -> bool {
    (&one.sha256, one.frame) == (&other.sha256, other.frame)
}

impl Server {
    /// The decoded first frame of an image for one look at it: it takes no other's place in memory.
    ///
    /// # Errors
    /// If the blob is missing or damaged.
    pub(crate) async fn volume_once(&self, image: &Image) -> Result<Arc<Volume>, ApiError> {
        let key = image_ref(image);
        if let Some(volume) = self.images.get(&key) {
            return Ok(volume);
        }
        let path = self.blobs.open(&image.sha256).await?;
        let options = ReadOptions { frame: 0, max_bytes: self.settings.max_image_bytes };
        tokio::task::spawn_blocking(move || volume::read(&path, key.sha256.as_str(), &options))
            .await?
            .map(Arc::new)
            .map_err(|it| ApiError::internal(&it))
    }

    /// The decoded volume of an image, from memory or from its blob.
    ///
    /// # Errors
    /// If the image has no such frame, or the blob is missing or damaged.
    pub async fn volume(&self, image: &Image, frame: u32) -> Result<Arc<Volume>, ApiError> {
        check_frame(image, frame)?;
        let key = ImageRef { frame, ..image_ref(image) };
        if let Some(volume) = self.images.get(&key) {
            return Ok(volume);
        }
        let path = self.blobs.open(&image.sha256).await?;
        let (images, max_bytes) = (Arc::clone(&self.images), self.settings.max_image_bytes);
        tokio::task::spawn_blocking(move || images.get_or_read(&key, &path, max_bytes))
            .await?
            .map_err(|it| ApiError::internal(&it))
    }
}
