//! Edits: what a person draws, or has the server do to a mask, becomes the job's next revision.

use base64::Engine as _;
use bytes::Bytes;
use protocol::{
    id::{JobId, RevisionId},
    job::{Author, Image, Revision, RevisionAction, RevisionRequest},
    prompt::SlicePrompt,
    task::MaskExtent,
};
use volume::{Labelmap, rle};

use crate::{
    blobs,
    error::ApiError,
    masks::{self, Difference},
    person::Person,
    prompts::{check_label, check_slice},
    state::Server,
    store::{NewRevision, StoreError, jobs::JobRow},
};

/// A mask that was made out of a job's head and is not stored yet.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// The mask, in the `volume::rle` format.
    pub(crate) encoded: Vec<u8>,
    /// Where it differs from the head.
    pub(crate) difference: Difference,
    /// What was done.
    pub(crate) action: RevisionAction,
    /// The object it is about, where it is about one.
    pub(crate) label: Option<u8>,
    /// The slices it is about, where it is about some.
    pub(crate) extent: Option<MaskExtent>,
    /// Prompts that come with it: slices that the person vouches for.
    pub(crate) prompts: Vec<SlicePrompt>,
    /// What it was made with.
    pub(crate) parameters: Option<serde_json::Value>,
}

impl Server {
    /// Makes a person's edit the head.
    ///
    /// # Errors
    /// If it does not fit the image, was not made from the head, or touches a locked object; if the
    /// job is accepted.
    pub async fn revise(
        &self,
        job_id: JobId,
        request: &RevisionRequest,
        person: &Person,
    ) -> Result<Revision, ApiError> {
        let action = request.action.unwrap_or(RevisionAction::Edit);
        if !action.is_manual() {
            return Err(ApiError::invalid(
                "action",
                "an edit is what a person draws: paint, erase, fill, threshold_brush, scissors, \
                 copy_slice, confirm, merge or edit",
            ));
        }
        let job = self.store.job_row(job_id).await?;
        let image = &job.summary.image;
        let drawn = {
            let (image, request) = (image.clone(), request.clone());
            tokio::task::spawn_blocking(move || decode_edit(&image, &request)).await??
        };
        let prompts = confirmed_prompts(image, request)?;
        check_parent(&job, request.parent)?;
        let mut labelmap = self.labelmap(image, job.head.as_ref().map(|it| &it.mask)).await?;
        let [first, last] = request.bounds;
        let (encoded, difference) = tokio::task::spawn_blocking(move || {
            let corner = first.map(|it| it as usize);
            let before = labelmap.crop(&[0, 1, 2].map(|it| corner[it]..=last[it] as usize));
            let difference = masks::difference(&before, &drawn, first);
            masks::paste(&mut labelmap, &drawn, corner)?;
            Ok::<_, masks::WrongShape>((rle::encode(&labelmap), difference))
        })
        .await?
        .map_err(|it| ApiError::invalid("box", it.to_string()))?;
        let edit = Edit {
            encoded,
            difference,
            action,
            label: None,
            extent: None,
            prompts,
            parameters: None,
        };
        self.keep_edit(&job, edit, person).await
    }

    /// Stores an edit of a job's head and makes it the head.
    ///
    /// # Errors
    /// If the head moved since `job` was read, the edit touches a locked object, or the job is
    /// accepted.
    pub(crate) async fn keep_edit(
        &self,
        job: &JobRow,
        edit: Edit,
        person: &Person,
    ) -> Result<Revision, ApiError> {
        let _gate = self.blob_gate.read().await;
        let act = self.act(person);
        let n_objects = masks::n_objects(&edit.encoded).map_err(|it| ApiError::internal(&it))?;
        let revision = Revision {
            revision_id: RevisionId::fresh(),
            parent: job.summary.head,
            mask: blobs::keep_bytes(&*self.blobs, Bytes::from(edit.encoded)).await?,
            author: Author::Person { name: act.by.clone() },
            action: Some(edit.action),
            changed: edit.difference.bounds,
            label: edit.label,
            extent: edit.extent,
            prompts: edit.prompts,
            parameters: edit.parameters,
            slices: Vec::new(),
            doubt: None,
            rating: None,
            n_objects: Some(n_objects),
            created_ms: act.now_ms,
        };
        let new = NewRevision { revision, touched: edit.difference.labels };
        self.store.add_revision(job.summary.job_id, &new, &act).await?;
        Ok(new.revision)
    }
}

/// Checks that an edit was made from a job's head, before work is done for it.
///
/// # Errors
/// If it was not.
pub(crate) fn check_parent(job: &JobRow, parent: Option<RevisionId>) -> Result<(), ApiError> {
    let head = job.summary.head;
    if head == parent {
        return Ok(());
    }
    let head = head.map_or_else(|| "none".to_owned(), |it| it.to_string());
    Err(StoreError::NotHead { head }.into())
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
