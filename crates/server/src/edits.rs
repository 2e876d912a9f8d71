//! Edits: a person's mask of a box of voxels becomes the job's next revision.

use base64::Engine as _;
use bytes::Bytes;
use protocol::{
    id::{JobId, RevisionId},
    job::{Author, Image, Revision, RevisionRequest},
    prompt::SlicePrompt,
};
use volume::{Labelmap, rle};

use crate::{
    blobs,
    error::ApiError,
    masks,
    prompts::{check_label, check_slice},
    state::Server,
    store::StoreError,
};

impl Server {
    /// Makes a person's edit the head.
    ///
    /// # Errors
    /// If it does not fit the image, or was not made from the head.
    pub async fn revise(
        &self,
        job_id: JobId,
        request: &RevisionRequest,
    ) -> Result<Revision, ApiError> {
        let job = self.store.job_row(job_id).await?;
        let image = &job.summary.image;
        let edit = {
            let (image, request) = (image.clone(), request.clone());
            tokio::task::spawn_blocking(move || decode_edit(&image, &request)).await??
        };
        let confirmed = confirmed_prompts(image, request)?;
        let head = job.summary.head;
        if head != request.parent {
            let head = head.map_or_else(|| "none".to_owned(), |it| it.to_string());
            return Err(StoreError::NotHead { head }.into());
        }
        let mut labelmap = self.labelmap(image, job.head.as_ref().map(|it| &it.mask)).await?;
        let first = request.bounds[0].map(|it| it as usize);
        let encoded = tokio::task::spawn_blocking(move || {
            masks::paste(&mut labelmap, &edit, first)?;
            Ok::<_, masks::WrongShape>(rle::encode(&labelmap))
        })
        .await?
        .map_err(|it| ApiError::invalid("box", it.to_string()))?;
        let _gate = self.blob_gate.read().await;
        let now_ms = self.now_ms();
        let revision = Revision {
            revision_id: RevisionId::fresh(),
            parent: request.parent,
            mask: blobs::keep_bytes(&*self.blobs, Bytes::from(encoded)).await?,
            author: Author::Person { name: String::new() },
            label: None,
            extent: None,
            prompts: confirmed.clone(),
            parameters: None,
            slices: Vec::new(),
            doubt: None,
            created_ms: now_ms,
        };
        self.store.add_revision(job_id, &revision, &confirmed, now_ms).await?;
        Ok(revision)
    }
}

fn decode_edit(image: &Image, request: &RevisionRequest) -> Result<Labelmap, ApiError> {
    let [first, last] = request.bounds;
    let fits = (0..3).all(|it| first[it] <= last[it] && last[it] < image.shape[it]);
    if !fits {
        let [ni, nj, nk] = image.shape;
        return Err(ApiError::invalid(
            "box",
            format!("box must be [first, last] voxel, inclusive, within {ni} × {nj} × {nk}"),
        ));
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&request.rle_base64)
        .map_err(|it| ApiError::invalid("rle_base64", it.to_string()))?;
    let expected = [0, 1, 2].map(|it| (last[it] - first[it] + 1) as usize);
    if rle::shape(&bytes).is_ok_and(|it| it != expected) {
        return Err(ApiError::invalid(
            "rle_base64",
            format!("the labels must have the shape of the box, {expected:?}"),
        ));
    }
    rle::decode(&bytes, expected.iter().product())
        .map_err(|it| ApiError::invalid("rle_base64", it.to_string()))
}

fn confirmed_prompts(
    image: &Image,
    request: &RevisionRequest,
) -> Result<Vec<SlicePrompt>, ApiError> {
    request
        .confirmed
        .iter()
        .map(|it| {
            check_slice(image, it.slice)?;
            check_label(it.label)?;
            Ok(SlicePrompt {
                slice: it.slice,
                label: it.label,
                bounds: None,
                points: Vec::new(),
                scribbles: Vec::new(),
                mask: !it.absent,
                absent: it.absent,
            })
        })
        .collect()
}
