//! What people do with tasks: ask for the same again, change the order, look at rates.

use protocol::{
    id::TaskId,
    system::Reason,
    task::{Task, TaskSpec, TaskState},
    task_log::TaskRates,
};

use crate::{
    error::ApiError,
    interpolate::InterpolateWish,
    jobs::{PropagateWish, SegmentWish},
    person::Person,
    rates::{Span, rates},
    state::Server,
};

const HOUR_MS: i64 = 60 * 60 * 1_000;

impl Server {
    /// Asks for the same again: a new task with the prompts, the engine and the range of one that
    /// came to nothing, on the mask as it is now.
    ///
    /// # Errors
    /// If it has not ended, or was done; and whatever may be wrong with asking.
    pub(crate) async fn retry(&self, task_id: TaskId, person: &Person) -> Result<Task, ApiError> {
        let record = self.store.task(task_id).await?;
        let job_id = record.task.job_id;
        match record.task.state {
            TaskState::Failed | TaskState::Cancelled => {}
            TaskState::Succeeded => {
                return Err(ApiError::wrong_state("the task was done: there is nothing to retry")
                    .because(Reason::TaskState, []));
            }
            TaskState::Queued | TaskState::Leased => {
                return Err(ApiError::wrong_state("the task has not ended: cancel it first")
                    .because(Reason::TaskState, []));
            }
        }
        let task = match record.spec {
            TaskSpec::SegmentSlice(it) => {
                let wish = SegmentWish {
                    engine: Some(it.engine),
                    window: it.window,
                    frame: it.image.frame,
                    ..SegmentWish::of(it.prompt)
                };
                self.segment(job_id, wish, person).await?
            }
            TaskSpec::Propagate(it) if it.interpolate => {
                let wish =
                    InterpolateWish { label: it.label, axis: it.axis, frame: it.image.frame };
                self.interpolate(job_id, wish, person).await?
            }
            TaskSpec::Propagate(it) => {
                let wish = PropagateWish {
                    direction: it.direction,
                    range: it.range,
                    engine: Some(it.engine),
                    combine: it.combine,
                    largest_component: it.largest_component,
                    label: Some(it.label),
                    axis: Some(it.axis),
                    window: it.window,
                    frame: it.image.frame,
                };
                self.propagate(job_id, wish, person).await?
            }
        };
        self.store.note_retry(task_id, task.task_id, &self.act(person)).await?;
        Ok(task)
    }

    /// Tasks that ended in the last `hours`, in `n_buckets`.
    pub(crate) async fn task_rates(
        &self,
        hours: u32,
        n_buckets: u32,
    ) -> Result<TaskRates, ApiError> {
        let span = Span::until(self.now_ms(), i64::from(hours) * HOUR_MS, n_buckets);
        Ok(rates(&self.store.ended_since(span.from_ms).await?, span))
    }
}
