//! What a withdrawn propagation had made so far: it becomes a revision, so that stopping loses nothing.

use bytes::Bytes;
use protocol::{
    id::{Sha256, TaskId},
    job::Image,
    task::{EngineIdentity, MaskExtent, Propagate, Task, TaskOutput, TaskSpec},
};
use volume::{Labelmap, rle};

use crate::{
    blobs, error::ApiError, queue::TaskRecord, state::Server, store::StoreError, work::MAX_MERGES,
};

impl Server {
    /// Ends an attempt at a propagation that a person has withdrawn, and keeps the slices that it
    /// had solved: slices that it had not come to stay as they are. None where there is nothing to
    /// keep; the attempt then goes on.
    ///
    /// # Errors
    /// If the fence is stale or the mask so far cannot be read.
    pub(crate) async fn keep_solved(
        &self,
        task_id: TaskId,
        fence: i64,
    ) -> Result<Option<Task>, ApiError> {
        for _ in 0..MAX_MERGES {
            let record = self.leased(task_id, fence).await?;
            let (true, TaskSpec::Propagate(spec), Some(partial)) =
                (record.task.cancel_requested, &record.spec, &record.partial)
            else {
                return Ok(None);
            };
            let Some(job_id) = record.task.job_id else { return Ok(None) };
            let job = self.store.job_row(job_id).await?;
            let _gate = self.blob_gate.read().await;
            let image = &job.summary.image;
            let Some(output) = self.output_so_far(&record, image, spec, partial).await? else {
                return Ok(None);
            };
            let mut made = self.merged_revision(&record, &job, &output).await?;
            if made.revision.changed.is_none() {
                return Ok(None);
            }
            if let Some(parameters) = &mut made.revision.parameters {
                parameters["cancelled"] = true.into();
            }
            match self.store.stop(task_id, fence, &made, self.now_ms()).await {
                Ok(record) => return Ok(Some(record.task)),
                // A person changed the mask or locked the object in between.
                Err(StoreError::NotHead { .. } | StoreError::LabelLocked { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// The mask so far as if the task had ended with it.
    async fn output_so_far(
        &self,
        record: &TaskRecord,
        image: &Image,
        spec: &Propagate,
        partial: &Sha256,
    ) -> Result<Option<TaskOutput>, ApiError> {
        let base = self.labelmap(image, spec.base.as_ref()).await?;
        let bytes = blobs::read(&*self.blobs, partial).await?;
        let (axis, label, range) = (spec.axis, spec.label, spec.range);
        let solved = tokio::task::spawn_blocking(move || {
            let object = rle::decode(&bytes, base.voxels.len())?;
            Ok::<_, rle::RleError>(
                solved_slices(object, &base, axis, label, range)
                    .map(|(mask, extent)| (rle::encode(&mask), extent)),
            )
        })
        .await?
        .map_err(|it| ApiError::internal(&it))?;
        let Some((mask, extent)) = solved else { return Ok(None) };
        let listed = self.list_engines().await?.into_iter().find(|it| it.name == spec.engine);
        let started_ms = record.task.started_ms.unwrap_or(record.task.created_ms);
        Ok(Some(TaskOutput {
            mask: blobs::keep_bytes(&*self.blobs, Bytes::from(mask)).await?,
            extent,
            slices: Vec::new(),
            doubt: None,
            // Which weights ran is said with a finished mask only.
            engine: EngineIdentity {
                name: spec.engine,
                version: listed.map(|it| it.version).unwrap_or_default(),
                model: None,
            },
            engine_ms: (self.now_ms() - started_ms) as f64,
        }))
    }
}

/// The mask so far within the first and the last slice that hold the object; between them, slices
/// without it were not come to yet and are as in `base`. None where no slice holds it.
fn solved_slices(
    mut object: Labelmap,
    base: &Labelmap,
    axis: u8,
    label: u8,
    range: Option<[u32; 2]>,
) -> Option<(Labelmap, MaskExtent)> {
    if object.shape != base.shape {
        return None;
    }
    let along = usize::from(axis);
    let n_slices = u32::try_from(object.shape[along]).ok()?;
    let [first, last] = range.unwrap_or([0, n_slices.checked_sub(1)?]);
    let holds = |object: &Labelmap, index: u32| {
        object.slice(along, index as usize).pixels.iter().any(|it| *it != 0)
    };
    let mut solved = (first..=last.min(n_slices - 1)).filter(|it| holds(&object, *it));
    let first = solved.next()?;
    let last = solved.next_back().unwrap_or(first);
    drop(solved);
    for index in first..=last {
        if !holds(&object, index) {
            let mut before = base.slice(along, index as usize);
            before.pixels.iter_mut().for_each(|it| *it = u8::from(*it == label));
            object.set_slice(along, index as usize, &before);
        }
    }
    Some((object, MaskExtent { axis, first, last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One voxel per slice, along axis 2.
    fn column(voxels: &[u8]) -> Labelmap {
        Labelmap { shape: [1, 1, voxels.len()], voxels: voxels.to_vec() }
    }

    #[test]
    fn slices_that_were_not_come_to_stay_as_they_were() {
        let base = column(&[3, 3, 3, 3, 2, 3]);
        let (mask, extent) =
            solved_slices(column(&[0, 1, 0, 1, 0, 0]), &base, 2, 3, None).expect("two slices");
        assert_eq!((extent.first, extent.last), (1, 3));
        assert_eq!(mask.voxels, [0, 1, 1, 1, 0, 0]);
        let (mask, _) =
            solved_slices(column(&[0, 1, 0, 0, 0, 1]), &base, 2, 3, None).expect("two slices");
        assert_eq!(mask.voxels, [0, 1, 1, 1, 0, 1], "slice 4 belongs to another object");
    }

    #[test]
    fn nothing_is_kept_of_nothing_or_from_outside_the_range() {
        let base = column(&[0; 4]);
        assert_eq!(solved_slices(column(&[0; 4]), &base, 2, 1, None), None);
        assert_eq!(solved_slices(column(&[1, 0, 0, 0]), &base, 2, 1, Some([1, 2])), None);
        assert_eq!(solved_slices(column(&[1, 1]), &base, 2, 1, None), None, "another grid");
        let (_, extent) =
            solved_slices(column(&[1, 1, 0, 1]), &base, 2, 1, Some([1, 2])).expect("one slice");
        assert_eq!((extent.first, extent.last), (1, 1));
    }
}
