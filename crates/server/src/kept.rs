//! What a withdrawn propagation had made so far: it becomes a revision, so that stopping loses nothing.

use bytes::Bytes;
use protocol::{
    id::{Sha256, TaskId},
    job::Image,
    task::{
        EngineIdentity, EngineName, MaskExtent, MaskSoFar, Propagate, SliceConfidence, Task,
        TaskOutput, TaskSpec,
    },
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
    /// If the fence is stale, the mask so far cannot be read, or people change the mask all the time.
    async fn keep_solved(&self, task_id: TaskId, fence: i64) -> Result<Option<Task>, ApiError> {
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
        Err(ApiError::wrong_state("the mask changes faster than what was solved can be merged"))
    }

    /// As [`Server::keep_solved`]; where the mask so far cannot be kept, the log says why, and the
    /// task ends without.
    pub(crate) async fn keep_if_possible(&self, task_id: TaskId, fence: i64) -> Option<Task> {
        match self.keep_solved(task_id, fence).await {
            Ok(kept) => kept,
            Err(error) => {
                let reason = &error.detail().message;
                tracing::warn!(%task_id, reason, "what was solved cannot be kept");
                None
            }
        }
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
        let asked = spec.clone();
        let known = record.so_far.clone();
        let slices = known.as_ref().map_or_else(Vec::new, |it| it.slices.clone());
        let solved = tokio::task::spawn_blocking(move || {
            let object = rle::decode(&bytes, base.voxels.len())?;
            Ok::<_, rle::RleError>(
                solved_slices(object, &base, &asked, &slices)
                    .map(|(mask, extent)| (rle::encode(&mask), extent)),
            )
        })
        .await?
        .map_err(|it| ApiError::internal(&it))?;
        let Some((mask, extent)) = solved else { return Ok(None) };
        let MaskSoFar { engine, mut slices, doubt } = known.unwrap_or_else(|| unsaid(spec.engine));
        slices.retain(|it| (extent.first..=extent.last).contains(&it.slice_index));
        let started_ms = record.task.started_ms.unwrap_or(record.task.created_ms);
        Ok(Some(TaskOutput {
            mask: blobs::keep_bytes(&*self.blobs, Bytes::from(mask)).await?,
            extent,
            slices,
            doubt,
            engine,
            engine_ms: (self.now_ms() - started_ms) as f64,
        }))
    }
}

/// What is known of the mask so far of an agent that does not say.
fn unsaid(engine: EngineName) -> MaskSoFar {
    let engine = EngineIdentity { name: engine, version: "unknown".to_owned(), model: None };
    MaskSoFar { engine, slices: Vec::new(), doubt: None }
}

/// The mask so far within the first and the last slice that were solved; between them, slices that
/// were not come to yet are as in `base`. Where the engine does not say which ones it `solved`,
/// those are that hold the object. None where the object is on none of them.
fn solved_slices(
    mut object: Labelmap,
    base: &Labelmap,
    asked: &Propagate,
    solved: &[SliceConfidence],
) -> Option<(Labelmap, MaskExtent)> {
    if object.shape != base.shape {
        return None;
    }
    let (axis, label) = (asked.axis, asked.label);
    let along = usize::from(axis);
    let n_slices = u32::try_from(object.shape[along]).ok()?;
    let [first, last] = asked.range.unwrap_or([0, n_slices.checked_sub(1)?]);
    let holds = |index: u32| object.slice(along, index as usize).pixels.iter().any(|it| *it != 0);
    let is_solved = |index: &u32| match solved {
        [] => holds(*index),
        _ => solved.iter().any(|it| it.slice_index == *index),
    };
    let solved: Vec<u32> = (first..=last.min(n_slices - 1)).filter(is_solved).collect();
    if !solved.iter().any(|it| holds(*it)) {
        return None;
    }
    let (first, last) = (*solved.first()?, *solved.last()?);
    for index in (first..=last).filter(|it| solved.binary_search(it).is_err()) {
        let mut before = base.slice(along, index as usize);
        before.pixels.iter_mut().for_each(|it| *it = u8::from(*it == label));
        object.set_slice(along, index as usize, &before);
    }
    Some((object, MaskExtent { axis, first, last }))
}

#[cfg(test)]
mod tests {
    use protocol::{
        job::Modality,
        prompt::{Combine, Direction},
        task::ImageRef,
    };

    use super::*;

    /// One voxel per slice, along axis 2.
    fn column(voxels: &[u8]) -> Labelmap {
        Labelmap { shape: [1, 1, voxels.len()], voxels: voxels.to_vec() }
    }

    fn asked(label: u8, range: Option<[u32; 2]>) -> Propagate {
        Propagate {
            image: ImageRef {
                sha256: Sha256::from_digest([1; 32]),
                frame: 0,
                modality: Modality::Ct,
            },
            engine: EngineName::Medsam2,
            label,
            axis: 2,
            prompts: Vec::new(),
            base: None,
            direction: Direction::Both,
            range,
            combine: Combine::Union,
            largest_component: false,
            interpolate: false,
            window: None,
        }
    }

    fn solved(indices: &[u32]) -> Vec<SliceConfidence> {
        let sure =
            |it: &u32| SliceConfidence { slice_index: *it, area_voxels: 1, uncertainty: 0.0 };
        indices.iter().map(sure).collect()
    }

    #[test]
    fn slices_that_were_not_come_to_stay_as_they_were() {
        let base = column(&[3, 3, 3, 3, 2, 3]);
        let kept = |voxels: &[u8]| solved_slices(column(voxels), &base, &asked(3, None), &[]);
        let (mask, extent) = kept(&[0, 1, 0, 1, 0, 0]).expect("two slices");
        assert_eq!((extent.first, extent.last), (1, 3));
        assert_eq!(mask.voxels, [0, 1, 1, 1, 0, 0]);
        let (mask, _) = kept(&[0, 1, 0, 0, 0, 1]).expect("two slices");
        assert_eq!(mask.voxels, [0, 1, 1, 1, 0, 1], "slice 4 belongs to another object");
    }

    #[test]
    fn slices_that_were_found_empty_are_solved_too() {
        let base = column(&[3; 6]);
        let kept = |solved: &[SliceConfidence]| {
            solved_slices(column(&[0, 1, 0, 0, 0, 0]), &base, &asked(3, None), solved)
        };
        let (mask, extent) = kept(&solved(&[1, 2, 4])).expect("three slices");
        assert_eq!((extent.first, extent.last), (1, 4));
        assert_eq!(mask.voxels, [0, 1, 0, 1, 0, 0], "slice 3 was not come to");
        assert_eq!(kept(&solved(&[2, 3])), None, "none of them holds the object");
    }

    #[test]
    fn nothing_is_kept_of_nothing_or_from_outside_the_range() {
        let base = column(&[0; 4]);
        let kept =
            |voxels: &[u8], range| solved_slices(column(voxels), &base, &asked(1, range), &[]);
        assert_eq!(kept(&[0; 4], None), None);
        assert_eq!(kept(&[1, 0, 0, 0], Some([1, 2])), None);
        assert_eq!(kept(&[1, 1], None), None, "another grid");
        let (_, extent) = kept(&[1, 1, 0, 1], Some([1, 2])).expect("one slice");
        assert_eq!((extent.first, extent.last), (1, 1));
    }
}
