//! Tasks: the store's half of the queue. What follows a state is decided in [`crate::queue`]; here
//! the answer is written in one guarded statement.

use protocol::{
    audit::{AuditAction, AuditDetails},
    event::EventBody,
    id::{JobId, Sha256, TaskId},
    job::JobState,
    lease::{ClaimRequest, Heartbeat},
    prompt::SlicePrompt,
    system::Reason,
    task::{Task, TaskFailure, TaskKind, TaskSpec, TaskState},
};

use super::{Act, Change, Dialect, NewRevision, Store, StoreError, audit, prompts::Brought, row};
use crate::{
    queue::{QueueEvent, Refusal, TaskRecord},
    roster::MAX_NAME_CHARS,
};

/// A task about to be queued.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// The job it belongs to.
    pub job_id: JobId,
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

/// Leased tasks whose lease ran out can be claimed as they are.
const CLAIMABLE: &str = row::tasks!(
    "where (state = 'queued' or (state = 'leased' and lease_until_ms < $1))
      and run_after_ms <= $1 and attempt < max_attempts and cancel_requested = 0
      and $2 like '%,' || kind || ',%' and $3 like '%,' || engine || ',%'
    order by priority desc, created_ms, task_id limit 1"
);

/// How often a transition is tried anew when somebody else changed the task in between.
const MAX_RACES: u32 = 20;

impl Store {
    /// Queues a task. An unfinished segmentation of the same object and slice gives way to it.
    ///
    /// # Errors
    /// If the job is being propagated, or a propagation is asked for while it is being segmented;
    /// if the object is locked or the job accepted; if there is no such job; if the database fails.
    pub async fn enqueue(&self, new: &NewTask, now_ms: i64) -> Result<Task, StoreError> {
        let mut change = self.begin().await?;
        let job = change.open_job(new.job_id).await?;
        job.check_unlocked([new.spec.label()])?;
        let (state, kind) = (job.state, new.spec.kind());
        if state == JobState::Propagating {
            return Err(StoreError::wrong_state(
                "the mask is being propagated: wait for it or cancel it first",
                Reason::Propagating,
            ));
        }
        let job_state = match kind {
            TaskKind::SegmentSlice => JobState::Segmenting,
            TaskKind::Propagate if state == JobState::Segmenting => {
                return Err(StoreError::wrong_state(
                    "a slice is being segmented: wait for it or cancel it first",
                    Reason::Segmenting,
                ));
            }
            TaskKind::Propagate => JobState::Propagating,
        };
        let slice = match &new.spec {
            TaskSpec::SegmentSlice(it) => {
                change.supersede(new.job_id, it.prompt.label, it.prompt.slice, now_ms).await?;
                change.put_prompt(new.job_id, &it.prompt, now_ms).await?;
                for hint in &new.hints {
                    change.add_points(new.job_id, hint, now_ms).await?;
                }
                Some(it.prompt.slice)
            }
            TaskSpec::Propagate(_) => None,
        };
        let task = change.insert_task(new, slice, now_ms).await?;
        let act = Act { by: new.by.clone(), now_ms };
        let details = audit::details([
            ("task", task.task_id.to_string()),
            ("kind", row::to_text(&kind)),
            ("engine", row::to_text(&new.spec.engine())),
            ("label", new.spec.label().to_string()),
        ]);
        change.audit(Some(new.job_id), AuditAction::TaskQueued, details, &act).await?;
        change.tell(EventBody::QueueUpdate(Box::new(task.clone())));
        change.set_job_state(new.job_id, job_state, now_ms).await?;
        change.wake_agents();
        change.commit(now_ms).await?;
        Ok(task)
    }

    /// Grants the most urgent task that the agent can run; none when there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn claim(
        &self,
        request: &ClaimRequest,
        lease_ms: i64,
        now_ms: i64,
    ) -> Result<Option<TaskRecord>, StoreError> {
        let sql = match self.dialect {
            Dialect::Sqlite => CLAIMABLE.to_owned(),
            Dialect::Postgres => format!("{CLAIMABLE} for update skip locked"),
        };
        for _ in 0..MAX_RACES {
            let mut change = self.begin().await?;
            let found = sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .bind(now_ms)
                .bind(comma_list(&request.kinds))
                .bind(comma_list(&request.engines))
                .fetch_optional(&mut *change.transaction)
                .await?;
            let Some(found) = found else { return Ok(None) };
            let before = row::task_record(&found)?;
            let name = request.name.chars().take(MAX_NAME_CHARS).collect();
            let event = QueueEvent::Claim { agent_id: request.agent_id, name, lease_ms };
            if let Some(after) = change.apply(&before, &event, now_ms).await? {
                change.commit(now_ms).await?;
                return Ok(Some(after));
            }
        }
        Ok(None)
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
            output: completion.output.clone(),
            revision_id: completion.made.revision.revision_id,
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
                change.audit(Some(after.task.job_id), action, details, act).await?;
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
        let job_id = record.task.job_id;
        let job = self.job(job_id).await?;
        let is_moved = self.mask_of(made.revision.parent).await?.as_ref() != record.spec.base();
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

/// `,segment_slice,propagate,`: a list that `like '%,' || kind || ',%'` searches.
fn comma_list<T: serde::Serialize>(items: &[T]) -> String {
    items.iter().fold(",".to_owned(), |list, it| list + &row::to_text(it) + ",")
}
