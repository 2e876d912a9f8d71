//! Granting tasks: which one goes to the agent that asks, whose turn it is, and the same answer to
//! the same question.

use protocol::{
    id::ClaimId,
    lease::ClaimRequest,
    task::{Task, TaskClass, TaskState},
};
use sqlx::{
    Any, AssertSqlSafe,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use super::{Change, Dialect, Store, StoreError, row, tasks::MAX_RACES};
use crate::{
    queue::{QueueEvent, Refusal, TaskRecord, order},
    roster::MAX_NAME_CHARS,
};

/// What an agent can run now. Leased tasks whose lease ran out can be claimed as they are.
const CLAIMABLE: &str = "(state = 'queued' or (state = 'leased' and lease_until_ms < $1))
    and run_after_ms <= $1 and attempt < max_attempts and cancel_requested = 0
    and replace($2, ',' || kind || ',', '') <> $2
    and (engine = '' or replace($3, ',' || engine || ',', '') <> $3)
    and min_protocol <= $4
    and (needs_model is null or replace($5, needs_model, '') <> $5)
    and (needs_gpu_memory is null or needs_gpu_memory <= $6)
    and (needs_program = '' or replace($7, ',' || needs_program || ',', '') <> $7)";

impl Store {
    /// Grants the task that goes first among those that the agent can run; none when there is none.
    /// The same question again gets the task that was granted then. The lease is `holder`'s.
    ///
    /// # Errors
    /// `Refused(Replay)` if the task that this question got has ended since; if the database fails.
    pub async fn claim_as(
        &self,
        holder: &str,
        request: &ClaimRequest,
        lease_ms: i64,
        now_ms: i64,
    ) -> Result<Option<TaskRecord>, StoreError> {
        let offer = Offer::of(request, holder, now_ms);
        for _ in 0..MAX_RACES {
            // Most who look find nothing: they do not take the lock of those who write.
            if !self.may_claim(&offer).await? {
                return Ok(None);
            }
            match self.try_claim(request, &offer, lease_ms, now_ms).await {
                Ok(Some(Claimed::Nothing)) => return Ok(None),
                Ok(Some(Claimed::Task(it))) => return Ok(Some(*it)),
                // Somebody else had it first, or this question was answered a moment ago.
                Ok(None) => {}
                Err(StoreError::Database(error)) if is_answered(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn may_claim(&self, offer: &Offer) -> Result<bool, StoreError> {
        let sql = format!(
            "select task_id from task where ({CLAIMABLE}) or (state = 'leased' and claim_id = $8)
             limit 1"
        );
        let query = offer.bind(sqlx::query(AssertSqlSafe(sql))).bind(offer.claim_id.clone());
        let found = query.fetch_optional(&self.pool).await?;
        Ok(found.is_some())
    }

    /// None when somebody else was first.
    async fn try_claim(
        &self,
        request: &ClaimRequest,
        offer: &Offer,
        lease_ms: i64,
        now_ms: i64,
    ) -> Result<Option<Claimed>, StoreError> {
        let mut change = self.begin().await?;
        if let Some(claim_id) = request.claim_id
            && let Some(before) = change.granted_to(claim_id, &offer.holder).await?
        {
            // Somebody on the way asks again what was answered long ago: nobody hears another answer.
            if before.task.state != TaskState::Leased {
                change.abandon().await?;
                return Err(StoreError::Refused(Refusal::Replay));
            }
            let event = QueueEvent::ClaimAgain { claim_id, lease_ms };
            let after = match change.apply(&before, &event, now_ms).await {
                Err(StoreError::Refused(Refusal::NotClaimable)) => None,
                other => other?,
            };
            change.commit(now_ms).await?;
            return Ok(after.map(|it| Claimed::Task(Box::new(it))));
        }
        let lock = match self.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => "for update skip locked",
        };
        let order = order::SQL;
        let sql = format!("{} where {CLAIMABLE} order by {order} limit 1 {lock}", row::tasks!(""));
        let found = offer
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_optional(&mut *change.transaction)
            .await?;
        let Some(found) = found else { return Ok(Some(Claimed::Nothing)) };
        let before = row::task_record(&found)?;
        let event = QueueEvent::Claim {
            agent_id: request.agent_id,
            name: request.name.chars().take(MAX_NAME_CHARS).collect(),
            device: Some(&request.device).filter(|it| !it.is_empty()).cloned(),
            claim_id: request.claim_id,
            lease_ms,
        };
        let after = match change.apply(&before, &event, now_ms).await {
            Ok(Some(it)) => it,
            // The task is not to be passed over by others while it is given back.
            other => {
                change.abandon().await?;
                return other.map(|_raced| None);
            }
        };
        change.hold(after.task.task_id, &offer.holder).await?;
        change.turn_clock(&after).await?;
        change.commit(now_ms).await?;
        Ok(Some(Claimed::Task(Box::new(after))))
    }
}

/// What came of a look at the queue.
enum Claimed {
    /// There is nothing that this agent can run.
    Nothing,
    /// A grant.
    Task(Box<TaskRecord>),
}

/// What an agent can run, as the statement compares it.
struct Offer {
    now_ms: i64,
    holder: String,
    kinds: String,
    engines: String,
    protocol: i64,
    models: String,
    gpu_memory: i64,
    programs: String,
    claim_id: Option<String>,
}

impl Offer {
    fn of(request: &ClaimRequest, holder: &str, now_ms: i64) -> Self {
        let memory = request.gpu_memory_bytes.unwrap_or(0);
        Self {
            now_ms,
            holder: holder.to_owned(),
            kinds: listed(request.kinds.iter().map(row::to_text)),
            engines: listed(request.engines.iter().map(row::to_text)),
            protocol: i64::from(request.protocol),
            models: listed(request.models.iter().map(ToString::to_string)),
            gpu_memory: i64::try_from(memory).unwrap_or(i64::MAX),
            programs: listed(request.programs.iter().cloned()),
            claim_id: request.claim_id.map(|it| it.to_string()),
        }
    }

    fn bind<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        query
            .bind(self.now_ms)
            .bind(self.kinds.clone())
            .bind(self.engines.clone())
            .bind(self.protocol)
            .bind(self.models.clone())
            .bind(self.gpu_memory)
            .bind(self.programs.clone())
    }
}

/// `,,segment_slice,,propagate,`: each name between commas of its own, so that it is found as a whole.
fn listed(names: impl Iterator<Item = String>) -> String {
    names.fold(",".to_owned(), |list, it| list + "," + &it + ",")
}

/// Whether a task is leased to this very question already: both wrote at once.
fn is_answered(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

impl Change<'_> {
    /// The task that was granted to this question of this holder, and to no later one.
    async fn granted_to(
        &mut self,
        claim_id: ClaimId,
        holder: &str,
    ) -> Result<Option<TaskRecord>, StoreError> {
        let found = sqlx::query(row::tasks!("where claim_id = $1 and credential_id = $2 limit 1"))
            .bind(claim_id.to_string())
            .bind(holder)
            .fetch_optional(&mut *self.transaction)
            .await?;
        found.map(|it| row::task_record(&it)).transpose()
    }

    /// The next turn of a person in a class.
    pub(super) async fn next_turn(
        &mut self,
        class: TaskClass,
        by: &str,
    ) -> Result<i64, StoreError> {
        let found = sqlx::query(
            "select max(turn) as turn from (
                 select tag as turn from queue_clock where class = $1
                 union all
                 select coalesce(max(fair_tag), 0) as turn from task
                 where requested_by = $2 and class = $1 and state in ('queued', 'leased')
             ) as turns",
        )
        .bind(row::to_text(&class))
        .bind(by)
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(row::number::<i64>(&found, "turn")? + 1)
    }

    /// Turns the clock to the turn that was granted, but not past one that its person waits for.
    async fn turn_clock(&mut self, granted: &TaskRecord) -> Result<(), StoreError> {
        sqlx::query(
            "update queue_clock set tag = $1 where class = $2 and tag < $1 and not exists (
                 select 1 from task where requested_by = $3 and class = $2 and state = 'queued'
                 and fair_tag < $1
             )",
        )
        .bind(granted.fair_tag)
        .bind(row::to_text(&granted.task.class))
        .bind(&granted.requested_by)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The tasks that wait, in the order in which they will be granted, each with its place.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn queued(&self, now_ms: i64) -> Result<Vec<(TaskRecord, order::Place)>, StoreError> {
        let rows = sqlx::query(row::tasks!("where state = 'queued'")).fetch_all(&self.pool).await?;
        self.in_order(&rows, now_ms).await
    }

    /// As [`Store::queued`], with the tasks whose agent is gone and that wait for another one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn waiting(
        &self,
        now_ms: i64,
    ) -> Result<Vec<(TaskRecord, order::Place)>, StoreError> {
        let rows = sqlx::query(row::tasks!(
            "where state = 'queued' or (state = 'leased' and lease_until_ms < $1
                 and attempt < max_attempts and cancel_requested = 0)"
        ))
        .bind(now_ms)
        .fetch_all(&self.pool)
        .await?;
        self.in_order(&rows, now_ms).await
    }

    async fn in_order(
        &self,
        rows: &[AnyRow],
        now_ms: i64,
    ) -> Result<Vec<(TaskRecord, order::Place)>, StoreError> {
        let clocks =
            sqlx::query("select class, tag from queue_clock").fetch_all(&self.pool).await?;
        let mut interactive = 0;
        let mut batch = 0;
        for it in &clocks {
            match row::from_text(it, "class")? {
                TaskClass::Interactive => interactive = row::number(it, "tag")?,
                TaskClass::Batch => batch = row::number(it, "tag")?,
            }
        }
        let mut queued = Vec::with_capacity(rows.len());
        for it in rows {
            let record = row::task_record(it)?;
            let clock = match record.task.class {
                TaskClass::Interactive => interactive,
                TaskClass::Batch => batch,
            };
            let place = order::place(&record.task, record.fair_tag, clock, now_ms);
            queued.push((record, place));
        }
        queued.sort_by_key(|(_, place)| *place);
        Ok(queued)
    }

    /// The tasks that agents have.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn leased(&self) -> Result<Vec<TaskRecord>, StoreError> {
        let rows = sqlx::query(row::tasks!("where state = 'leased' order by started_ms, task_id"))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(row::task_record).collect()
    }

    /// All unfinished tasks: those that run, then those that wait in the order in which they will be
    /// granted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unfinished_tasks(&self, now_ms: i64) -> Result<Vec<Task>, StoreError> {
        let running = self.leased().await?;
        let waiting = self.queued(now_ms).await?;
        let waiting = waiting.into_iter().map(|(it, _)| it);
        Ok(running.into_iter().chain(waiting).map(|it| it.task).collect())
    }
}
