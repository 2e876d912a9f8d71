//! Thumbnails of jobs for lists. Drawing one decodes an image, so that they are kept, and drawn one
//! at a time: a list of many jobs must not hold up the one that a person works on.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use protocol::id::Sha256;
use volume::render::{Overlay, thumbnail_png};

use crate::{blobs, error::ApiError, results::palette, state::Server, store::jobs::JobRow};

/// Thumbnails that are kept, of some twenty kilobytes each.
const MAX_KEPT: usize = 512;

/// Thumbnails, the most recently used first.
#[derive(Debug, Default)]
pub(crate) struct Thumbnails {
    kept: Mutex<Vec<(Sha256, Bytes)>>,
    drawing: tokio::sync::Mutex<()>,
}

impl Thumbnails {
    fn get(&self, key: &Sha256) -> Option<Bytes> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(it, _)| it == key)?;
        let entry = kept.remove(place);
        kept.insert(0, entry);
        Some(kept[0].1.clone())
    }

    fn put(&self, key: Sha256, picture: Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(it, _)| *it != key);
        kept.insert(0, (key, picture));
        kept.truncate(MAX_KEPT);
    }
}

impl Server {
    /// A job's thumbnail as PNG.
    ///
    /// # Errors
    /// If its image or mask is missing or damaged.
    pub(crate) async fn thumbnail(&self, job: &JobRow) -> Result<Bytes, ApiError> {
        let key = shown(job);
        if let Some(found) = self.thumbnails.get(&key) {
            return Ok(found);
        }
        let _only_one = self.thumbnails.drawing.lock().await;
        if let Some(found) = self.thumbnails.get(&key) {
            return Ok(found);
        }
        let image = &job.summary.image;
        let volume = self.volume_once(image).await?;
        let labelmap = match &job.head {
            Some(it) => Some(self.labelmap(image, Some(&it.mask)).await?),
            None => None,
        };
        let palette = palette(&job.labels);
        let drawn = tokio::task::spawn_blocking(move || {
            let overlay = labelmap.as_ref().map(|labelmap| Overlay { labelmap, palette: &palette });
            thumbnail_png(&volume, overlay)
        })
        .await?
        .map_err(|it| ApiError::internal(&it))?;
        let picture = Bytes::from(drawn);
        self.thumbnails.put(key, picture.clone());
        Ok(picture)
    }
}

/// Names what a job's thumbnail shows: image, mask, and how the objects are painted.
pub(crate) fn shown(job: &JobRow) -> Sha256 {
    let mask = job.head.as_ref().map(|it| &it.mask);
    let text = serde_json::json!([job.summary.image.sha256, mask, job.labels]).to_string();
    blobs::digest(text.as_bytes())
}
