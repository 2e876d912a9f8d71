//! Interpolation: between slices that a person vouches for the mask follows the image.

use protocol::{
    id::JobId,
    prompt::{Combine, Direction, SlicePrompt, SliceRef},
    system::Reason,
    task::{EngineName, ImageRef, Propagate, Task, TaskSpec},
};

use crate::{
    demand::Demand,
    error::ApiError,
    jobs::image_ref,
    person::Person,
    prompts::{check_frame, check_label, check_slice},
    state::Server,
};

/// What to fill in.
#[derive(Debug, Clone, Copy)]
pub struct InterpolateWish {
    /// The object.
    pub label: u8,
    /// Stored axis of the confirmed slices.
    pub axis: u8,
    /// Frame of a 4D image to follow.
    pub frame: u32,
}

impl Server {
    /// Queues the interpolation of an object from its first confirmed slice to its last. It always
    /// runs on the graph cut, whose constraints are exact; nothing beyond those slices changes.
    ///
    /// # Errors
    /// If fewer than two slices are confirmed or none of them shows the object, the engine is not
    /// ready, or the job is busy.
    pub async fn interpolate(
        &self,
        job_id: JobId,
        wish: InterpolateWish,
        person: &Person,
    ) -> Result<Task, ApiError> {
        let InterpolateWish { label, axis, frame } = wish;
        let job = self.store.job_row(job_id).await?;
        let image = &job.summary.image;
        check_label(label)?;
        check_frame(image, frame)?;
        check_slice(image, SliceRef { axis, slice_index: 0 })?;
        let engine = self.choose_engine(Some(EngineName::Graphcut)).await?;
        let prompts = confirmed(&self.store.prompts(job_id).await?, label, axis);
        let indices = || prompts.iter().map(|it| it.slice.slice_index);
        let (first, last) = (indices().min(), indices().max());
        let (Some(first), Some(last), true) = (first, last, first < last) else {
            return Err(ApiError::wrong_state(
                "there is nothing to fill in between: confirm two slices of the object first",
            )
            .because(Reason::NothingBetween, []));
        };
        if job.head.is_none() || prompts.iter().all(|it| it.absent) {
            return Err(ApiError::wrong_state(
                "no confirmed slice shows the object: confirm one with its mask first",
            )
            .because(Reason::NoConfirmedMask, []));
        }
        let spec = TaskSpec::Propagate(Propagate {
            image: ImageRef { frame, ..image_ref(image) },
            engine,
            label,
            axis,
            prompts,
            base: job.head.map(|it| it.mask),
            direction: Direction::Both,
            range: Some([first, last]),
            combine: Combine::default(),
            largest_component: false,
            interpolate: true,
            window: None,
        });
        let new = self.new_task(job_id, spec, Demand::default(), person);
        Ok(self.store.enqueue(&new, self.now_ms()).await?)
    }
}

/// What a person vouches for on slices along an axis, and nothing else that is marked there.
fn confirmed(prompts: &[SlicePrompt], label: u8, axis: u8) -> Vec<SlicePrompt> {
    prompts
        .iter()
        .filter(|it| it.label == label && it.slice.axis == axis && (it.mask || it.absent))
        .map(|it| SlicePrompt {
            bounds: None,
            points: Vec::new(),
            scribbles: Vec::new(),
            ..it.clone()
        })
        .collect()
}
