//! What people do with tasks: ask for the same again, change the order, look at rates.

use protocol::{
    id::TaskId,
    system::Reason,
    task::{Task, TaskSpec, TaskState},
    task_log::TaskRates,
};

use crate::{
    demand::Demand,
    error::ApiError,
    interpolate::InterpolateWish,
    jobs::{PropagateWish, SegmentWish},
    person::Person,
    queue::{
        Refusal,
        order::{self, Side},
    },
    rates::{Span, rates},
    state::Server,
    store::StoreError,
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
        let demand = Demand { class: record.task.class, needs: record.needs };
        let job_id = record.task.job_id;
        let no_job = || ApiError::wrong_state("the task belongs to no job");
        let task = match record.spec {
            TaskSpec::External(it) => self.request_again(task_id, it, person).await?,
            TaskSpec::SegmentSlice(it) => {
                let wish = SegmentWish {
                    engine: Some(it.engine),
                    window: it.window,
                    frame: it.image.frame,
                    demand,
                    ..SegmentWish::of(it.prompt)
                };
                self.segment(job_id.ok_or_else(no_job)?, wish, person).await?
            }
            TaskSpec::Propagate(it) if it.interpolate => {
                let wish =
                    InterpolateWish { label: it.label, axis: it.axis, frame: it.image.frame };
                self.interpolate(job_id.ok_or_else(no_job)?, wish, person).await?
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
                    demand,
                };
                self.propagate(job_id.ok_or_else(no_job)?, wish, person).await?
            }
        };
        self.store.note_retry(task_id, task.task_id, &self.act(person)).await?;
        Ok(task)
    }

    /// The priority that brings a waiting task to that side of another one.
    ///
    /// # Errors
    /// If one of them does not wait.
    pub(crate) async fn moved_priority(
        &self,
        task_id: TaskId,
        side: Side,
        other: TaskId,
    ) -> Result<i32, ApiError> {
        let queued = self.store.queued(self.now_ms()).await?;
        let find = |id| queued.iter().find(|(it, _)| it.task.task_id == id);
        let Some((record, place)) = find(task_id) else {
            self.store.task(task_id).await?;
            return Err(StoreError::Refused(Refusal::NotWaiting).into());
        };
        let Some((_, other)) = find(other) else {
            self.store.task(other).await?;
            return Err(StoreError::Refused(Refusal::NotWaiting).into());
        };
        Ok(order::moved_priority(&record.task, place, side, other))
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
