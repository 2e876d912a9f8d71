//! What a task's mask makes of its job's present head.

use bytes::Bytes;
use protocol::{
    id::RevisionId,
    job::{Author, Revision, RevisionAction},
    task::{MaskExtent, MaskSpec, TaskKind, TaskOutput},
};
use volume::rle;

use crate::{
    blobs::{self, BlobError},
    error::ApiError,
    masks,
    queue::TaskRecord,
    state::Server,
    store::{NewRevision, jobs::JobRow},
};

impl Server {
    /// The revision that a task's output makes of the job's present head.
    pub(crate) async fn merged_revision(
        &self,
        record: &TaskRecord,
        job: &JobRow,
        output: &TaskOutput,
    ) -> Result<NewRevision, ApiError> {
        let bad_output = |message: String| ApiError::invalid("output", message);
        let spec =
            record.spec.mask().ok_or_else(|| bad_output("no mask was asked for".to_owned()))?;
        let label = spec.label();
        // Locked since the task was queued: its voxels stay, and none are added.
        let is_locked = job.labels.iter().any(|it| it.value == label && it.locked);
        let extent = output.extent;
        let image = &job.summary.image;
        if !is_asked_for(spec, extent, image.shape) {
            return Err(bad_output(
                "the mask speaks for slices that were not asked for".to_owned(),
            ));
        }
        let object = match blobs::read(&*self.blobs, &output.mask).await {
            Err(BlobError::Missing(_)) => {
                return Err(bad_output("the mask was not delivered".to_owned()));
            }
            other => other?,
        };
        let base = self.labelmap(image, spec.base()).await?;
        let mut labelmap = self.labelmap(image, job.head.as_ref().map(|it| &it.mask)).await?;
        let shape = labelmap.shape;
        let (encoded, difference) = tokio::task::spawn_blocking(move || {
            if rle::shape(&object).is_ok_and(|it| it != shape) {
                return Err("the mask does not have the image's shape".to_owned());
            }
            let object =
                rle::decode(&object, labelmap.voxels.len()).map_err(|it| it.to_string())?;
            let before = labelmap.clone();
            if !is_locked {
                masks::merge_object(&mut labelmap, &base, &object, label, extent)
                    .map_err(|it| it.to_string())?;
            }
            let difference = masks::difference(&before, &labelmap, [0; 3]);
            Ok((rle::encode(&labelmap), difference))
        })
        .await?
        .map_err(bad_output)?;
        let n_objects = masks::n_objects(&encoded).map_err(|it| ApiError::internal(&it))?;
        let prompts = match spec {
            MaskSpec::SegmentSlice(it) => vec![it.prompt.clone()],
            MaskSpec::Propagate(it) => it.prompts.clone(),
        };
        let revision = Revision {
            revision_id: RevisionId::fresh(),
            parent: job.summary.head,
            mask: blobs::keep_bytes(&*self.blobs, Bytes::from(encoded)).await?,
            author: Author::Engine { task_id: record.task.task_id, engine: output.engine.clone() },
            action: Some(action(spec)),
            changed: difference.bounds,
            label: Some(label),
            extent: Some(extent),
            prompts,
            parameters: Some(parameters(record, spec, output)),
            slices: output.slices.clone(),
            doubt: output.doubt,
            rating: None,
            n_objects: Some(n_objects),
            created_ms: self.now_ms(),
        };
        Ok(NewRevision { revision, touched: difference.labels })
    }
}

/// Whether a mask of these slices is what the task asked for.
fn is_asked_for(spec: MaskSpec<'_>, extent: MaskExtent, shape: [u32; 3]) -> bool {
    let n_slices = shape.get(usize::from(extent.axis)).copied().unwrap_or(0);
    let is_inside = extent.first <= extent.last && extent.last < n_slices;
    is_inside
        && match spec {
            MaskSpec::SegmentSlice(it) => {
                let slice = it.prompt.slice;
                extent.axis == slice.axis
                    && extent.first == slice.slice_index
                    && extent.last == slice.slice_index
            }
            MaskSpec::Propagate(it) => {
                let [first, last] = it.range.unwrap_or([0, n_slices - 1]);
                extent.axis == it.axis && extent.first >= first && extent.last <= last
            }
        }
}

/// What is done by a task.
fn action(spec: MaskSpec<'_>) -> RevisionAction {
    match spec {
        MaskSpec::SegmentSlice(_) => RevisionAction::SegmentSlice,
        MaskSpec::Propagate(it) if it.interpolate => RevisionAction::Interpolate,
        MaskSpec::Propagate(_) => RevisionAction::Propagate,
    }
}

/// What a revision records of the parameters it was made with.
fn parameters(record: &TaskRecord, spec: MaskSpec<'_>, output: &TaskOutput) -> serde_json::Value {
    let mut parameters = serde_json::json!({
        "kind": match spec {
            MaskSpec::SegmentSlice(_) => TaskKind::SegmentSlice,
            MaskSpec::Propagate(_) => TaskKind::Propagate,
        },
        "engine_ms": output.engine_ms,
    });
    if spec.image().frame > 0 {
        parameters["frame"] = spec.image().frame.into();
    }
    if record.task.smaller {
        parameters["smaller"] = true.into();
    }
    if let MaskSpec::Propagate(it) = spec {
        parameters["axis"] = it.axis.into();
        parameters["direction"] = serde_json::json!(it.direction);
        parameters["range"] = serde_json::json!(it.range);
        parameters["combine"] = serde_json::json!(it.combine);
        parameters["largest_component"] = it.largest_component.into();
    }
    parameters
}
