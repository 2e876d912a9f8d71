//! Tasks: the store's half of the queue. What follows a state is decided in [`crate::queue`]; here
//! the answer is written in one guarded statement.

use protocol::{
    audit::{AuditAction, AuditDetails},
    event::EventBody,
    id::{JobId, Sha256, TaskId},
    job::JobState,
    lease::Heartbeat,
    prompt::SlicePrompt,
    system::Reason,
    task::{MaskSpec, Needs, Task, TaskClass, TaskFailure, TaskSpec, TaskState},
};

use super::{Act, Change, NewRevision, Store, StoreError, audit, prompts::Brought, row};
use crate::queue::{QueueEvent, Refusal, TaskRecord};

/// A task about to be queued.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// The job it belongs to; none where it runs a program for a request.
    pub job_id: Option<JobId>,
    /// What to do.
    pub spec: TaskSpec,
    /// Higher goes first.
    pub priority: i32,
    /// What the work may take in all.
    pub time_limit_ms: i64,
    /// Grants before it is given up.
    pub max_attempts: u32,
    /// Points on other slices: they join what is marked there.
    pub hints: Vec<SlicePrompt>,
    /// Who asks for it.
    pub by: String,
    /// Who waits for it.
    pub class: TaskClass,
    /// What an agent must have to run it.
    pub needs: Needs,
}

/// An output about to be accepted.
#[derive(Debug, Clone)]
pub struct Completion {
    /// Digest of what the agent delivers: a repetition has the same one.
    pub key: Sha256,
    /// The mask it delivers.
    pub output: Sha256,
    /// What that mask makes of the job's head.
    pub made: NewRevision,
}

/// How often a transition is tried anew when somebody else changed the task in between.
pub(super) const MAX_RACES: u32 = 20;

impl Store {
    /// Queues a task. An unfinished segmentation of the same object and slice gives way to it.
    ///
    /// # Errors
    /// If the job is being propagated, or a propagation is asked for while it is being segmented;
    /// if the object is locked or the job accepted; if there is no such job; if the database fails.
    pub async fn enqueue(&self, new: &NewTask, now_ms: i64) -> Result<Task, StoreError> {
        let (Some(job_id), Some(spec)) = (new.job_id, new.spec.mask()) else {
            return Err(StoreError::wrong_state(
                "only a job's task makes a mask",
                Reason::Internal,
            ));
        };
        let mut change = self.begin().await?;
        let job = change.open_job(job_id).await?;
        job.check_unlocked([spec.label()])?;
        let state = job.state;
        if state == JobState::Propagating {
            return Err(StoreError::wrong_state(
                "the mask is being propagated: wait for it or cancel it first",
                Reason::Propagating,
            ));
        }
        let job_state = match spec {
            MaskSpec::SegmentSlice(_) => JobState::Segmenting,
            MaskSpec::Propagate(_) if state == JobState::Segmenting => {
                return Err(StoreError::wrong_state(
                    "a slice is being segmented: wait for it or cancel it first",
                    Reason::Segmenting,
                ));
            }
            MaskSpec::Propagate(_) => JobState::Propagating,
        };
        let slice = match spec {
            MaskSpec::SegmentSlice(it) => {
                change.supersede(job_id, it.prompt.label, it.prompt.slice, now_ms).await?;
                change.put_prompt(job_id, &it.prompt, now_ms).await?;
                for hint in &new.hints {
                    change.add_points(job_id, hint, now_ms).await?;
                }
                Some(it.prompt.slice)
            }
            MaskSpec::Propagate(_) => None,
        };
        let task = change.insert_task(new, slice, now_ms).await?;
        let act = Act { by: new.by.clone(), now_ms };
        let details = audit::details([
            ("task", task.task_id.to_string()),
            ("kind", row::to_text(&new.spec.kind())),
            ("engine", row::to_text(&spec.engine())),
            ("label", spec.label().to_string()),
        ]);
        change.audit(Some(job_id), AuditAction::TaskQueued, details, &act).await?;
        change.tell(EventBody::QueueUpdate(Box::new(task.clone())));
        change.set_job_state(job_id, job_state, now_ms).await?;
        change.wake_agents();
        change.commit(now_ms).await?;
        Ok(task)
    }

    /// Renews a lease; returns the task as it is now.
    ///
    /// # Errors
    /// If the fence is stale, there is no such task, or the database fails.
    pub async fn heartbeat(
        &self,
        task_id: TaskId,
        heartbeat: Heartbeat,
        lease_ms: i64,
        now_ms: i64,
    ) -> Result<TaskRecord, StoreError> {
        self.transition(task_id, &QueueEvent::Heartbeat { heartbeat, lease_ms }, now_ms).await
    }

    /// Ends a task with its output: task, revision, head and events in one transaction.
    ///
    /// # Errors
    /// `Refused(Replay)` if this very completion was accepted before; `NotHead` if the head moved
    /// since the revision was made, `LabelLocked` if an object that it touches was locked since; if
    /// the fence is stale or the database fails.
    pub async fn complete(
        &self,
        task_id: TaskId,
        fence: i64,
        completion: &Completion,
        now_ms: i64,
    ) -> Result<TaskRecord, StoreError> {
        let event = QueueEvent::Complete {
            fence,
            key: completion.key.clone(),
            output: Some(completion.output.clone()),
            revision_id: Some(completion.made.revision.revision_id),
        };
        self.end_with(task_id, &event, &completion.made, now_ms).await
    }

    /// Ends an attempt without output.
    ///
    /// # Errors
    /// If the fence is stale, there is no such task, or the database fails.
    pub async fn fail(
        &self,
        task_id: TaskId,
        fence: i64,
        failure: Option<TaskFailure>,
        now_ms: i64,
    ) -> Result<TaskRecord, StoreError> {
        self.transition(task_id, &QueueEvent::Fail { fence, failure }, now_ms).await
    }

    /// Ends a withdrawn attempt, and makes what it had done the head, in one transaction.
    ///
    /// # Errors
    /// `NotHead` if the head moved since the revision was made, `LabelLocked` if an object that it
    /// touches was locked since; if the fence is stale or the database fails.
    pub async fn stop(
        &self,
        task_id: TaskId,
        fence: i64,
        made: &NewRevision,
        now_ms: i64,
    ) -> Result<TaskRecord, StoreError> {
        let event = QueueEvent::Fail { fence, failure: None };
        self.end_with(task_id, &event, made, now_ms).await
    }

    /// Withdraws a task: at once when nobody works on it, else by asking its agent to stop.
    ///
    /// # Errors
    /// If it has already ended, there is no such task, or the database fails.
    pub async fn cancel(&self, task_id: TaskId, act: &Act) -> Result<TaskRecord, StoreError> {
        self.transition_by(task_id, &QueueEvent::Cancel, act).await
    }

    /// Gives a waiting task another place in the queue.
    ///
    /// # Errors
    /// If it does not wait, there is no such task, or the database fails.
    pub async fn prioritise(
        &self,
        task_id: TaskId,
        priority: i32,
        act: &Act,
    ) -> Result<TaskRecord, StoreError> {
        self.transition_by(task_id, &QueueEvent::Prioritise { priority }, act).await
    }

    /// One task.
    ///
    /// # Errors
    /// If there is no such task, or the database fails.
    pub async fn task(&self, task_id: TaskId) -> Result<TaskRecord, StoreError> {
        let found = sqlx::query(row::tasks!("where task_id = $1"))
            .bind(task_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row::task_record(&found.ok_or_else(|| no_task(task_id))?)
    }

    /// Notes that a task delivered a blob: it goes with the task's job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_delivery(
        &self,
        task_id: TaskId,
        sha256: &Sha256,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into delivery (task_id, sha256) values ($1, $2) on conflict do nothing",
        )
        .bind(task_id.to_string())
        .bind(sha256.to_string())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whether a task delivered a blob.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_delivered(&self, task_id: TaskId, sha256: &Sha256) -> Result<bool, StoreError> {
        let found =
            sqlx::query("select 1 as found from delivery where task_id = $1 and sha256 = $2")
                .bind(task_id.to_string())
                .bind(sha256.to_string())
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.is_some())
    }

    /// Ends a task, and makes what it made the head, in one transaction.
    async fn end_with(
        &self,
        task_id: TaskId,
        event: &QueueEvent,
        made: &NewRevision,
        now_ms: i64,
    ) -> Result<TaskRecord, StoreError> {
        for _ in 0..MAX_RACES {
            let mut change = self.begin().await?;
            let before = change.task_and_job(task_id).await?;
            let Some(after) = change.apply(&before, event, now_ms).await? else {
                continue;
            };
            change.take_result(&after, made).await?;
            change.settle_job(&after.task, now_ms).await?;
            change.commit(now_ms).await?;
            return Ok(after);
        }
        Err(StoreError::Refused(Refusal::StaleFence))
    }

    pub(super) async fn transition(
        &self,
        task_id: TaskId,
        event: &QueueEvent,
        now_ms: i64,
    ) -> Result<TaskRecord, StoreError> {
        self.transition_by(task_id, event, &Act { by: String::new(), now_ms }).await
    }

    async fn transition_by(
        &self,
        task_id: TaskId,
        event: &QueueEvent,
        act: &Act,
    ) -> Result<TaskRecord, StoreError> {
        let now_ms = act.now_ms;
        for _ in 0..MAX_RACES {
            let mut change = self.begin().await?;
            let before = change.task_and_job(task_id).await?;
            let Some(after) = change.apply(&before, event, now_ms).await? else {
                continue;
            };
            if after.task.state.is_final() {
                change.settle_job(&after.task, now_ms).await?;
            }
            if let Some((action, details)) = audited(&before, &after, event) {
                change.audit(after.task.job_id, action, details, act).await?;
            }
            if after.task.state == TaskState::Queued {
                change.wake_agents();
            }
            change.commit(now_ms).await?;
            return Ok(after);
        }
        Err(StoreError::Refused(Refusal::StaleFence))
    }
}

impl Change<'_> {
    /// Makes what a task made the head of its job.
    async fn take_result(
        &mut self,
        record: &TaskRecord,
        made: &NewRevision,
    ) -> Result<(), StoreError> {
        let Some(job_id) = record.task.job_id else { return Ok(()) };
        let job = self.job(job_id).await?;
        let base = record.spec.mask().and_then(MaskSpec::base);
        let is_moved = self.mask_of(made.revision.parent).await?.as_ref() != base;
        let brought = if is_moved { Brought::ToAnotherMask } else { Brought::WhenQueued };
        self.put_head(job_id, &job, made, brought).await?;
        Ok(())
    }
}

/// What a person did, for the audit list.
fn audited(
    before: &TaskRecord,
    after: &TaskRecord,
    event: &QueueEvent,
) -> Option<(AuditAction, AuditDetails)> {
    let task = ("task", after.task.task_id.to_string());
    let (from, to) = (before.task.priority, after.task.priority);
    match event {
        QueueEvent::Cancel => Some((AuditAction::TaskCancelled, audit::details([task]))),
        QueueEvent::Prioritise { .. } => (from != to).then(|| {
            let details = [task, ("from", from.to_string()), ("to", to.to_string())];
            (AuditAction::PriorityChanged, audit::details(details))
        }),
        QueueEvent::Claim { .. }
        | QueueEvent::ClaimAgain { .. }
        | QueueEvent::Heartbeat { .. }
        | QueueEvent::Complete { .. }
        | QueueEvent::Fail { .. }
        | QueueEvent::Supersede
        | QueueEvent::Tick => None,
    }
}

pub(super) fn no_task(task_id: TaskId) -> StoreError {
    StoreError::NotFound { what: "task", id: task_id.to_string() }
}
