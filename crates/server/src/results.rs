//! Results: a job's mask as the files that people take away.

use std::sync::Arc;

use protocol::{label::Label, prompt::SliceRef, system::Reason};
use volume::{
    Labelmap, MaskFormat, Paint, Palette, Volume, Window,
    render::{self, Overlay},
};

use crate::{
    error::ApiError, exports::stem, measures::Chosen, prompts::check_slice, state::Server,
    store::jobs::JobRow,
};

/// How to show a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SliceView {
    pub(crate) slice: SliceRef,
    /// Intensities shown black and white.
    pub(crate) window: Option<[f64; 2]>,
    pub(crate) with_mask: bool,
    /// Frame of a 4D image.
    pub(crate) frame: u32,
}

impl Server {
    /// The whole mask as NIfTI on the image's own grid, with a file name.
    pub(crate) async fn mask_file(&self, job: JobRow) -> Result<(String, Vec<u8>), ApiError> {
        let revision = job.head.clone().ok_or_else(no_mask)?;
        let name = format!("{}-mask.nii.gz", stem(&job.summary.image.file_name));
        let labelmap = Arc::new(self.labelmap(&job.summary.image, Some(&revision.mask)).await?);
        let chosen = Chosen { job, revision, labelmap };
        Ok((name, self.mask_bytes(&chosen, MaskFormat::NiftiGz).await?))
    }

    /// A slice with its mask in the objects' colours as PNG, with a file name. What is not named
    /// comes from the slice that was last segmented; on another axis the middle slice is shown.
    pub(crate) async fn mask_picture(
        &self,
        job: &JobRow,
        axis: Option<u8>,
        slice_index: Option<u32>,
    ) -> Result<(String, Vec<u8>), ApiError> {
        job.head.as_ref().ok_or_else(no_mask)?;
        let revisions = self.store.lineage(job.summary.head).await?;
        let last = revisions.iter().rev().filter_map(|it| it.extent).find(|it| it.first == it.last);
        let axis = axis.unwrap_or(last.map_or(2, |it| it.axis));
        let last = last.filter(|it| it.axis == axis).map(|it| it.first);
        let n_slices = job.summary.image.shape.get(usize::from(axis)).copied().unwrap_or(0);
        let slice_index = slice_index.or(last).unwrap_or(n_slices / 2);
        let slice = SliceRef { axis, slice_index };
        check_slice(&job.summary.image, slice)?;
        let view = SliceView { slice, window: None, with_mask: true, frame: 0 };
        let bytes = self.slice_picture(job, view).await?;
        let stem = stem(&job.summary.image.file_name);
        Ok((format!("{stem}-axis{}-slice{}.png", slice.axis, slice.slice_index), bytes))
    }

    /// A slice as PNG.
    pub(crate) async fn slice_picture(
        &self,
        job: &JobRow,
        view: SliceView,
    ) -> Result<Vec<u8>, ApiError> {
        let volume = self.volume(&job.summary.image, view.frame).await?;
        let labelmap = match (&job.head, view.with_mask) {
            (Some(_), true) => Some(self.head_labelmap(job).await?),
            _ => None,
        };
        let palette = palette(&job.labels);
        tokio::task::spawn_blocking(move || {
            let overlay = labelmap.as_ref().map(|labelmap| Overlay { labelmap, palette: &palette });
            draw(&volume, overlay, view)
        })
        .await?
        .map_err(|it| ApiError::internal(&it))
    }

    async fn head_labelmap(&self, job: &JobRow) -> Result<Labelmap, ApiError> {
        let head = job.head.as_ref().ok_or_else(no_mask)?;
        self.labelmap(&job.summary.image, Some(&head.mask)).await
    }
}

pub(crate) fn no_mask() -> ApiError {
    ApiError::wrong_state("there is no mask yet: segment a slice first").because(Reason::NoMask, [])
}

fn draw(
    volume: &Arc<Volume>,
    overlay: Option<Overlay<'_>>,
    view: SliceView,
) -> Result<Vec<u8>, render::RenderError> {
    let window = match view.window {
        Some([low, high]) => Window { low, high },
        None => Window::suggest(volume),
    };
    let axis = usize::from(view.slice.axis);
    render::slice_png(volume, overlay, axis, view.slice.slice_index as usize, window)
}

/// How a job's objects are painted; one that is not among them gets a colour of its own.
pub(crate) fn palette(labels: &[Label]) -> Palette {
    let mut palette = Palette::default();
    for label in labels {
        palette.set(label.value, label.visible.then(|| paint(label)).flatten());
    }
    palette
}

fn paint(label: &Label) -> Option<Paint> {
    let mut paint = Paint::new(colour(&label.color)?);
    if let Some(opacity) = label.opacity {
        paint.opacity = f64::from(opacity);
    }
    if label.outline == Some(true) {
        paint.opacity = 0.0;
    }
    Some(paint)
}

/// The parts of `#rrggbb`.
fn colour(text: &str) -> Option<[u8; 3]> {
    let number = u32::from_str_radix(text.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}
