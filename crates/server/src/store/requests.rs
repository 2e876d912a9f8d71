//! Requests for a laboratory's own programs: each is a task without a job.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    audit::AuditAction,
    event::EventBody,
    external::{ExternalOutput, Request, RequestSummary},
    id::{AgentId, Sha256, TaskId},
    system::Reason,
    task::{Task, TaskKind, TaskState},
};
use sqlx::{Row, any::AnyRow};

use super::{Act, Change, NewTask, Store, StoreError, audit, row};
use crate::queue::{QueueEvent, Refusal};

/// Which requests to list; by default all.
#[derive(Debug, Clone, Default)]
pub struct RequestFilter {
    /// Only those for this program.
    pub program: Option<String>,
    /// Only those in this state.
    pub state: Option<TaskState>,
    /// Only those made before this one.
    pub before: Option<TaskId>,
    /// Only those that name a slide.
    pub has_slide: bool,
}

/// A request with what only the server needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// What the API shows.
    pub request: Request,
    /// Grows with each grant.
    pub fence: i64,
    /// End of the lease; meaningful while leased.
    pub lease_until_ms: i64,
    /// Not granted before this moment.
    pub run_after_ms: i64,
    /// Grants before it is given up.
    pub max_attempts: u32,
    /// Who has or had it.
    pub agent_id: Option<AgentId>,
    /// The slide, as the caller named it: opaque.
    pub slide: Option<String>,
    /// Digest of the accepted completion.
    pub completion_key: Option<Sha256>,
}

/// A statement that reads requests; what follows `where` is given.
macro_rules! requests {
    ($rest:literal) => {
        concat!(
            "select task.*, (select job.name from job where job.job_id = task.job_id) as job_name,
                 request.by_name, request.slide, request.output
             from task join request on request.task_id = task.task_id where ",
            $rest
        )
    };
}

fn request_record(it: &AnyRow) -> Result<RequestRecord, StoreError> {
    let record = row::task_record(it)?;
    let task = record.task;
    let spec = record.spec.external().ok_or(StoreError::Corrupt {
        what: "request",
        source: "its task runs no program".into(),
    })?;
    Ok(RequestRecord {
        fence: record.fence,
        lease_until_ms: record.lease_until_ms,
        run_after_ms: record.run_after_ms,
        max_attempts: record.max_attempts,
        agent_id: task.agent_id,
        slide: it.try_get("slide")?,
        completion_key: record.completion_key,
        request: Request {
            arguments: spec.arguments.clone(),
            inputs: spec.inputs.clone(),
            output: row::from_json_option(it, "output")?,
            summary: RequestSummary {
                request_id: task.task_id,
                program: spec.program.clone(),
                status: task.state,
                by: it.try_get("by_name")?,
                progress: task.progress,
                attempt: task.attempt,
                cancel_requested: task.cancel_requested,
                agent: task.agent,
                failure: task.failure,
                created_ms: task.created_ms,
                started_ms: task.started_ms,
                finished_ms: task.finished_ms,
            },
        },
    })
}

fn no_request(task_id: TaskId) -> StoreError {
    StoreError::NotFound { what: "request", id: task_id.to_string() }
}

impl Store {
    /// Queues a run of a program. `slide`: what the caller of the older API calls its slide.
    ///
    /// # Errors
    /// If the task runs no program, or the database fails.
    pub async fn enqueue_request(
        &self,
        new: &NewTask,
        slide: Option<&str>,
        now_ms: i64,
    ) -> Result<Task, StoreError> {
        let Some(spec) = new.spec.external() else {
            return Err(StoreError::wrong_state("a request runs a program", Reason::Internal));
        };
        let mut change = self.begin().await?;
        let task = change.insert_task(new, None, now_ms).await?;
        sqlx::query(
            "insert into request (task_id, program, by_name, slide) values ($1, $2, $3, $4)",
        )
        .bind(task.task_id.to_string())
        .bind(&spec.program)
        .bind(&new.by)
        .bind(slide)
        .execute(&mut *change.transaction)
        .await?;
        let inputs: BTreeSet<&Sha256> = spec.inputs.iter().map(|it| &it.sha256).collect();
        for sha256 in inputs {
            sqlx::query("insert into request_input (task_id, sha256) values ($1, $2)")
                .bind(task.task_id.to_string())
                .bind(sha256.to_string())
                .execute(&mut *change.transaction)
                .await?;
        }
        let act = Act { by: new.by.clone(), now_ms };
        change.audit(None, AuditAction::RequestMade, particulars(&task), &act).await?;
        change.tell(EventBody::QueueUpdate(Box::new(task.clone())));
        change.tell_of_request(&task);
        change.wake_agents();
        change.commit(now_ms).await?;
        Ok(task)
    }

    /// One request.
    ///
    /// # Errors
    /// If there is no such request, or the database fails.
    pub async fn request(&self, task_id: TaskId) -> Result<RequestRecord, StoreError> {
        let found = sqlx::query(requests!("task.task_id = $1"))
            .bind(task_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        request_record(&found.ok_or_else(|| no_request(task_id))?)
    }

    /// The newest requests, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn requests(
        &self,
        filter: &RequestFilter,
        limit: i64,
    ) -> Result<Vec<RequestRecord>, StoreError> {
        let rows = sqlx::query(requests!(
            "($1 = '' or request.program = $1) and ($2 = '' or task.state = $2)
             and ($3 = '' or task.task_id < $3) and ($4 = 0 or request.slide is not null)
             order by task.task_id desc limit $5"
        ))
        .bind(filter.program.clone().unwrap_or_default())
        .bind(filter.state.map(|it| row::to_text(&it)).unwrap_or_default())
        .bind(filter.before.map(|it| it.to_string()).unwrap_or_default())
        .bind(i64::from(filter.has_slide))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(request_record).collect()
    }

    /// The requests of a program that name a slide and that an agent may take, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn free_requests(
        &self,
        program: &str,
        limit: i64,
        now_ms: i64,
    ) -> Result<Vec<RequestRecord>, StoreError> {
        let rows = sqlx::query(requests!(
            "request.program = $1 and request.slide is not null
             and (task.state = 'queued' or (task.state = 'leased' and task.lease_until_ms < $2))
             and task.run_after_ms <= $2 and task.attempt < task.max_attempts
             and task.cancel_requested = 0
             order by task.created_ms, task.task_id limit $3"
        ))
        .bind(program)
        .bind(now_ms)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(request_record).collect()
    }

    /// How many requests wait for each program.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn waiting_programs(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows = sqlx::query(
            "select request.program as program, count(*) as n from request
             join task on task.task_id = request.task_id
             where task.state = 'queued' group by request.program",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| Ok((it.try_get("program")?, row::number(it, "n")?))).collect()
    }

    /// Grants this very request, as the older API asks for it. The lease is `holder`'s.
    ///
    /// # Errors
    /// `Refused(NotClaimable)` where somebody else has it or it has ended; if there is no such
    /// request, or the database fails.
    pub async fn claim_request(
        &self,
        task_id: TaskId,
        holder: &str,
        event: &QueueEvent,
        now_ms: i64,
    ) -> Result<RequestRecord, StoreError> {
        self.request(task_id).await?;
        for _ in 0..super::tasks::MAX_RACES {
            let mut change = self.begin().await?;
            let before = change.task_record(task_id).await?;
            if change.apply(&before, event, now_ms).await?.is_none() {
                continue;
            }
            change.hold(task_id, holder).await?;
            change.commit(now_ms).await?;
            return self.request(task_id).await;
        }
        Err(StoreError::Refused(Refusal::NotClaimable))
    }

    /// Ends a request with what its program made.
    ///
    /// # Errors
    /// `Refused(Replay)` if this very completion was accepted before; if the fence is stale, there
    /// is no such request, or the database fails.
    pub async fn complete_request(
        &self,
        task_id: TaskId,
        fence: i64,
        key: &Sha256,
        output: &ExternalOutput,
        now_ms: i64,
    ) -> Result<Task, StoreError> {
        let event =
            QueueEvent::Complete { fence, key: key.clone(), output: None, revision_id: None };
        for _ in 0..super::tasks::MAX_RACES {
            let mut change = self.begin().await?;
            let before = change.task_record(task_id).await?;
            let Some(after) = change.apply(&before, &event, now_ms).await? else {
                continue;
            };
            sqlx::query("update request set output = $1 where task_id = $2")
                .bind(row::to_json(output))
                .bind(task_id.to_string())
                .execute(&mut *change.transaction)
                .await?;
            change.commit(now_ms).await?;
            return Ok(after.task);
        }
        Err(StoreError::Refused(Refusal::StaleFence))
    }

    /// The blobs that agents delivered for a task.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn deliveries(&self, task_id: TaskId) -> Result<BTreeSet<Sha256>, StoreError> {
        let rows = sqlx::query("select sha256 from delivery where task_id = $1")
            .bind(task_id.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|it| row::id(it, "sha256")).collect()
    }

    /// Deletes a request; one audit line stays. Returns the blobs that nothing refers to any more.
    ///
    /// # Errors
    /// If there is no such request, or the database fails.
    pub async fn delete_request(
        &self,
        task_id: TaskId,
        act: &Act,
    ) -> Result<Vec<Sha256>, StoreError> {
        let mut change = self.begin().await?;
        let task = match change.task_record(task_id).await {
            Ok(it) if it.task.kind == TaskKind::External => it.task,
            Ok(_) | Err(StoreError::NotFound { .. }) => return Err(no_request(task_id)),
            Err(error) => return Err(error),
        };
        let rows = sqlx::query(
            "select sha256 from request_input where task_id = $1
             union select sha256 from delivery where task_id = $1",
        )
        .bind(task_id.to_string())
        .fetch_all(&mut *change.transaction)
        .await?;
        let blobs: Vec<Sha256> =
            rows.iter().map(|it| row::id(it, "sha256")).collect::<Result<_, _>>()?;
        sqlx::query("delete from task where task_id = $1")
            .bind(task_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        let mut orphans = Vec::new();
        for sha256 in blobs {
            if !change.is_referenced(&sha256).await? {
                orphans.push(sha256);
            }
        }
        change.audit(None, AuditAction::RequestDeleted, particulars(&task), act).await?;
        change.tell(EventBody::RequestRemoved { request_id: task_id });
        change.turned(task_id);
        change.commit(act.now_ms).await?;
        Ok(orphans)
    }
}

fn particulars(task: &Task) -> protocol::audit::AuditDetails {
    let program = task.program.clone().unwrap_or_default();
    audit::details([("request", task.task_id.to_string()), ("program", program)])
}

impl Change<'_> {
    /// Tells where a request stands, where the task runs a program.
    pub(super) fn tell_of_request(&mut self, task: &Task) {
        let Some(program) = task.program.clone() else { return };
        let (request_id, status) = (task.task_id, task.state);
        self.tell(EventBody::RequestUpdate { request_id, program, status });
    }
}
