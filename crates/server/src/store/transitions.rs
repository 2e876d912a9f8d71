//! The statements within a transaction that move a task and its job: each guarded by the state that
//! it leaves.

use protocol::{
    event::EventBody,
    id::{AgentId, JobId, RevisionId, TaskId},
    job::JobState,
    prompt::SliceRef,
    task::{Progress, Task, TaskKind, TaskState},
    task_log::TaskStep,
};

use super::{Change, NewTask, StoreError, row, tasks::no_task};
use crate::{
    queue::{self, QueueEvent, TaskRecord},
    task_log::{self, Entry},
};

impl Change<'_> {
    pub(super) async fn task_record(&mut self, task_id: TaskId) -> Result<TaskRecord, StoreError> {
        let found = sqlx::query(row::tasks!("where task_id = $1"))
            .bind(task_id.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?;
        row::task_record(&found.ok_or_else(|| no_task(task_id))?)
    }

    /// A task, after its job's row is locked: whoever changes both takes the job first.
    pub(super) async fn task_and_job(&mut self, task_id: TaskId) -> Result<TaskRecord, StoreError> {
        let job_id = self.task_record(task_id).await?.task.job_id;
        self.job(job_id).await?;
        self.task_record(task_id).await
    }

    /// Writes what follows from `event`, in one statement guarded by the state it leaves. None when
    /// somebody else changed the task since `before` was read.
    pub(super) async fn apply(
        &mut self,
        before: &TaskRecord,
        event: &QueueEvent,
        now_ms: i64,
    ) -> Result<Option<TaskRecord>, StoreError> {
        let after = queue::next(before, event, now_ms)?;
        let written = sqlx::query(
            "update task set state = $1, attempt = $2, fence = $3, agent_id = $4,
                 lease_until_ms = $5, run_after_ms = $6, cancel_requested = $7, progress = $8,
                 partial_sha256 = $9, failure = $10, completion_key = $11, revision_id = $12,
                 started_ms = $13, finished_ms = $14, output_sha256 = $15, priority = $16,
                 agent_name = $17, so_far = $18
             where task_id = $19 and state = $20 and fence = $21 and cancel_requested = $22",
        )
        .bind(row::to_text(&after.task.state))
        .bind(i64::from(after.task.attempt))
        .bind(after.fence)
        .bind(after.task.agent_id.map(|it: AgentId| it.to_string()))
        .bind(after.lease_until_ms)
        .bind(after.run_after_ms)
        .bind(i64::from(after.task.cancel_requested))
        .bind(row::to_json(&after.task.progress))
        .bind(after.partial.as_ref().map(ToString::to_string))
        .bind(after.task.failure.as_ref().map(row::to_json))
        .bind(after.completion_key.as_ref().map(ToString::to_string))
        .bind(after.task.revision_id.map(|it: RevisionId| it.to_string()))
        .bind(after.task.started_ms)
        .bind(after.task.finished_ms)
        .bind(after.output.as_ref().map(ToString::to_string))
        .bind(i64::from(after.task.priority))
        .bind(after.task.agent.as_deref())
        .bind(after.so_far.as_ref().map(row::to_json))
        .bind(before.task.task_id.to_string())
        .bind(row::to_text(&before.task.state))
        .bind(before.fence)
        .bind(i64::from(before.task.cancel_requested))
        .execute(&mut *self.transaction)
        .await?
        .rows_affected();
        if written != 1 {
            return Ok(None);
        }
        let entries = task_log::entries(before, &after, event);
        self.log_task(after.task.task_id, &entries, now_ms).await?;
        if after.task != before.task || after.partial != before.partial {
            self.tell(EventBody::QueueUpdate(Box::new(after.task.clone())));
        }
        Ok(Some(after))
    }

    /// Ends the unfinished segmentations of an object on a slice.
    pub(super) async fn supersede(
        &mut self,
        job_id: JobId,
        label: u8,
        slice: SliceRef,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(row::tasks!(
            "where job_id = $1 and label = $2 and axis = $3
             and slice_index = $4 and state in ('queued', 'leased')"
        ))
        .bind(job_id.to_string())
        .bind(i64::from(label))
        .bind(i64::from(slice.axis))
        .bind(i64::from(slice.slice_index))
        .fetch_all(&mut *self.transaction)
        .await?;
        for it in rows {
            let before = row::task_record(&it)?;
            // Lost races end the older task too: it has just ended by itself.
            self.apply(&before, &QueueEvent::Supersede, now_ms).await?;
        }
        Ok(())
    }

    pub(super) async fn insert_task(
        &mut self,
        new: &NewTask,
        slice: Option<SliceRef>,
        now_ms: i64,
    ) -> Result<Task, StoreError> {
        let task_id = TaskId::fresh();
        sqlx::query(
            "insert into task (task_id, job_id, kind, engine, label, axis, slice_index, spec, state,
                 priority, attempt, max_attempts, fence, lease_until_ms, run_after_ms,
                 time_limit_ms, cancel_requested, progress, created_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, 0, 0, $12, $13, 0, $14, $12)",
        )
        .bind(task_id.to_string())
        .bind(new.job_id.to_string())
        .bind(row::to_text(&new.spec.kind()))
        .bind(row::to_text(&new.spec.engine()))
        .bind(i64::from(new.spec.label()))
        .bind(slice.map(|it| i64::from(it.axis)))
        .bind(slice.map(|it| i64::from(it.slice_index)))
        .bind(row::to_json(&new.spec))
        .bind(row::to_text(&TaskState::Queued))
        .bind(i64::from(new.priority))
        .bind(i64::from(new.max_attempts))
        .bind(now_ms)
        .bind(new.time_limit_ms)
        .bind(row::to_json(&Progress::default()))
        .execute(&mut *self.transaction)
        .await?;
        let queued = Entry { priority: Some(new.priority), ..Entry::of(TaskStep::Queued) };
        self.log_task(task_id, &[queued], now_ms).await?;
        Ok(self.task_record(task_id).await?.task)
    }

    /// Gives a job the state that follows from a task that has just ended.
    pub(super) async fn settle_job(&mut self, ended: &Task, now_ms: i64) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "select kind from task where job_id = $1 and state in ('queued', 'leased')",
        )
        .bind(ended.job_id.to_string())
        .fetch_all(&mut *self.transaction)
        .await?;
        let mut unfinished = Vec::with_capacity(rows.len());
        for it in &rows {
            unfinished.push(row::from_text(it, "kind")?);
        }
        let state = job_state_after(ended, &unfinished);
        self.set_job_state(ended.job_id, state, now_ms).await
    }
}

/// The state of a job after one of its tasks ended, while `unfinished` ones remain.
fn job_state_after(ended: &Task, unfinished: &[TaskKind]) -> JobState {
    if unfinished.contains(&TaskKind::Propagate) {
        return JobState::Propagating;
    }
    if unfinished.contains(&TaskKind::SegmentSlice) {
        return JobState::Segmenting;
    }
    match (ended.state, ended.kind) {
        (TaskState::Succeeded, TaskKind::SegmentSlice) => JobState::Segmented,
        (TaskState::Succeeded, TaskKind::Propagate) => JobState::Completed,
        (TaskState::Cancelled, _) => JobState::Cancelled,
        (TaskState::Failed | TaskState::Queued | TaskState::Leased, _) => JobState::Failed,
    }
}
