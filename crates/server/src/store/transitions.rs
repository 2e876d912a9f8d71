//! The statements within a transaction that move a task and its job: each guarded by the state that
//! it leaves.

use protocol::{
    event::EventBody,
    id::{AgentId, JobId, RevisionId, TaskId},
    job::JobState,
    prompt::SliceRef,
    task::{MaskSpec, Progress, Task, TaskKind, TaskState},
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

    /// A task, after its job's row is locked, where it has one: whoever changes both takes the job
    /// first.
    pub(super) async fn task_and_job(&mut self, task_id: TaskId) -> Result<TaskRecord, StoreError> {
        let record = self.task_record(task_id).await?;
        let Some(job_id) = record.task.job_id else { return Ok(record) };
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
                 agent_name = $17, claim_id = $18, device = $19, smaller = $20, failures = $21,
                 so_far = $22
             where task_id = $23 and state = $24 and fence = $25 and cancel_requested = $26
             and lease_until_ms = $27",
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
        .bind(after.claim_id.map(|it| it.to_string()))
        .bind(after.task.device.as_deref())
        .bind(i64::from(after.task.smaller))
        .bind(row::to_json(&after.task.failures))
        .bind(after.so_far.as_ref().map(row::to_json))
        .bind(before.task.task_id.to_string())
        .bind(row::to_text(&before.task.state))
        .bind(before.fence)
        .bind(i64::from(before.task.cancel_requested))
        .bind(before.lease_until_ms)
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
        if after.task.state != before.task.state {
            self.tell_of_request(&after.task);
        }
        // Progress is told as an event; who waits for the task's end is not woken by it.
        let turn = |it: &TaskRecord| (it.task.state, it.fence, it.task.cancel_requested);
        if turn(&after) != turn(before) {
            self.turned(after.task.task_id);
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
            let mut before = row::task_record(&it)?;
            // An agent may have claimed it in between; what has ended by itself stays as it is.
            while !before.task.state.is_final()
                && self.apply(&before, &QueueEvent::Supersede, now_ms).await?.is_none()
            {
                before = self.task_record(before.task.task_id).await?;
            }
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
        let fair_tag = self.next_turn(new.class, &new.by).await?;
        let needs = &new.needs;
        sqlx::query(
            "insert into task (task_id, job_id, kind, engine, label, axis, slice_index, spec, state,
                 priority, attempt, max_attempts, fence, lease_until_ms, run_after_ms,
                 time_limit_ms, cancel_requested, progress, created_ms, class, requested_by,
                 fair_tag, needs_model, needs_gpu_memory, min_protocol, needs_program)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, 0, 0, $12, $13, 0, $14, $12,
                 $15, $16, $17, $18, $19, $20, $21)",
        )
        .bind(task_id.to_string())
        .bind(new.job_id.map(|it| it.to_string()))
        .bind(row::to_text(&new.spec.kind()))
        .bind(new.spec.engine().map(|it| row::to_text(&it)).unwrap_or_default())
        .bind(i64::from(new.spec.mask().map_or(0, MaskSpec::label)))
        .bind(slice.map(|it| i64::from(it.axis)))
        .bind(slice.map(|it| i64::from(it.slice_index)))
        .bind(row::to_json(&new.spec))
        .bind(row::to_text(&TaskState::Queued))
        .bind(i64::from(new.priority))
        .bind(i64::from(new.max_attempts))
        .bind(now_ms)
        .bind(new.time_limit_ms)
        .bind(row::to_json(&Progress::default()))
        .bind(row::to_text(&new.class))
        .bind(&new.by)
        .bind(fair_tag)
        .bind(needs.model.as_ref().map(ToString::to_string))
        .bind(needs.gpu_memory_bytes.map(|it| i64::try_from(it).unwrap_or(i64::MAX)))
        .bind(i64::from(needs.min_protocol))
        .bind(needs.program.as_deref().unwrap_or_default())
        .execute(&mut *self.transaction)
        .await?;
        let queued = Entry { priority: Some(new.priority), ..Entry::of(TaskStep::Queued) };
        self.log_task(task_id, &[queued], now_ms).await?;
        Ok(self.task_record(task_id).await?.task)
    }

    /// Gives a job the state that follows from a task that has just ended; a task of no job changes
    /// none.
    pub(super) async fn settle_job(&mut self, ended: &Task, now_ms: i64) -> Result<(), StoreError> {
        let Some(job_id) = ended.job_id else { return Ok(()) };
        let rows = sqlx::query(
            "select kind from task where job_id = $1 and state in ('queued', 'leased')",
        )
        .bind(job_id.to_string())
        .fetch_all(&mut *self.transaction)
        .await?;
        let mut unfinished = Vec::with_capacity(rows.len());
        for it in &rows {
            unfinished.push(row::from_text(it, "kind")?);
        }
        let state = job_state_after(ended, &unfinished);
        self.set_job_state(job_id, state, now_ms).await
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
        (TaskState::Succeeded, TaskKind::Propagate | TaskKind::External) => JobState::Completed,
        (TaskState::Cancelled, _) => JobState::Cancelled,
        (TaskState::Failed | TaskState::Queued | TaskState::Leased, _) => JobState::Failed,
    }
}

#[cfg(test)]
mod tests {
    use protocol::{
        external::External,
        id::AgentId,
        lease::Heartbeat,
        needs::Needs,
        task::{TaskClass, TaskSpec},
    };

    use super::*;
    use crate::store::{Store, sqlite_url};

    /// Where no lock of a job keeps the two apart: the task of a request, read before its agent spoke.
    #[tokio::test]
    async fn what_was_decided_before_the_lease_was_renewed_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite_url(&folder.path().join("voxloop.db")).unwrap();
        let store = Store::open(&url).await.unwrap();
        let external =
            External { program: "clam".to_owned(), arguments: 1.into(), inputs: Vec::new() };
        let new = NewTask {
            job_id: None,
            spec: TaskSpec::External(external),
            priority: 0,
            time_limit_ms: 360_000,
            max_attempts: 1,
            hints: Vec::new(),
            by: String::new(),
            class: TaskClass::Batch,
            needs: Needs::default(),
        };
        let task_id = store.enqueue_request(&new, None, 0).await.unwrap().task_id;
        let claim = QueueEvent::Claim {
            agent_id: AgentId::fresh(),
            name: "lab".to_owned(),
            device: None,
            claim_id: None,
            lease_ms: 1_000,
        };
        store.claim_request(task_id, "lab", &claim, 0).await.unwrap();

        let mut change = store.begin().await.unwrap();
        let before = change.task_record(task_id).await.unwrap();
        let heartbeat = Heartbeat {
            fence: 1,
            progress: Progress::default(),
            wait_ms: 0,
            partial: None,
            so_far: None,
        };
        let renewal = QueueEvent::Heartbeat { heartbeat, lease_ms: 1_000 };
        assert!(change.apply(&before, &renewal, 1_001).await.unwrap().is_some());
        let too_late = change.apply(&before, &QueueEvent::Tick, 1_001).await.unwrap();
        assert_eq!(too_late, None, "the agent was told that the task is its own");
        change.abandon().await.unwrap();
        store.close().await;
    }
}
