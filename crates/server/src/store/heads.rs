//! Heads: which revision a job shows, and the way through its history.
//!
//! Revisions form a tree under the state without a mask; nothing in it is ever removed. The *tip* is
//! the leaf that undo walks back from, and redo walks towards. A new revision is the tip; so is the
//! newest descendant of a revision that somebody jumps to away from the tip's line.

use protocol::{
    audit::AuditAction,
    event::EventBody,
    id::{JobId, RevisionId},
    job::{HeadRequest, JobState, Revision},
};
use sqlx::{Any, Executor, Row, any::AnyRow};

use super::{Act, Change, Store, StoreError, audit, revisions::id_or_empty, row};

/// A revision and those that it was made from, one after the other, in a table `line`.
const LINE: &str = "with recursive line (revision_id, parent_id, n_steps) as (
        select revision_id, parent_id, 0 from revision where revision_id = $1
        union all
        select revision.revision_id, revision.parent_id, line.n_steps + 1
        from revision join line on revision.revision_id = line.parent_id
    )";

/// The newest of a revision and all that were made from it.
const NEWEST_DESCENDANT: &str = "with recursive branch (revision_id, created_ms) as (
        select revision_id, created_ms from revision where revision_id = $1
        union all
        select revision.revision_id, revision.created_ms
        from revision join branch on revision.parent_id = branch.revision_id
    )
    select revision_id from branch order by created_ms desc, revision_id desc limit 1";

/// What a job is with a revision as its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RevisionState {
    pub(super) state: JobState,
    pub(super) is_propagated: bool,
}

/// What a job without a mask is.
const WITHOUT_MASK: RevisionState = RevisionState { state: JobState::Ready, is_propagated: false };

fn line_of(end: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("{LINE} {end}"))
}

async fn lineage_of(
    executor: impl Executor<'_, Database = Any>,
    head: Option<RevisionId>,
) -> Result<Vec<Revision>, StoreError> {
    let sql = line_of(
        "select revision.revision from revision
         join line on line.revision_id = revision.revision_id order by line.n_steps desc",
    );
    let rows = sqlx::query(sql).bind(id_or_empty(head)).fetch_all(executor).await?;
    rows.iter().map(|it| row::from_json(it, "revision")).collect()
}

fn id_of(found: Option<&AnyRow>) -> Result<Option<RevisionId>, StoreError> {
    found.map(|it| row::id(it, "revision_id")).transpose()
}

impl Store {
    /// A revision and those that it was made from, the oldest first.
    pub(crate) async fn lineage(
        &self,
        head: Option<RevisionId>,
    ) -> Result<Vec<Revision>, StoreError> {
        lineage_of(&self.pool, head).await
    }

    /// The step from `head` towards `tip`; none where it is the tip.
    pub(super) async fn redo(
        &self,
        head: Option<RevisionId>,
        tip: Option<RevisionId>,
    ) -> Result<Option<RevisionId>, StoreError> {
        if head == tip {
            return Ok(None);
        }
        let found = sqlx::query(line_of("select revision_id from line where parent_id = $2"))
            .bind(id_or_empty(tip))
            .bind(id_or_empty(head))
            .fetch_optional(&self.pool)
            .await?;
        id_of(found.as_ref())
    }

    /// Moves a job's head to a revision that it has, or to none: undo, redo, a jump. The prompts of
    /// that state come back with it; what is left stays as it is, prompts included.
    ///
    /// # Errors
    /// If `request.expected` is not the head, the job has no such revision or is accepted, there is
    /// no such job, or the database fails.
    pub async fn move_head(
        &self,
        job_id: JobId,
        request: HeadRequest,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let job = change.open_job(job_id).await?;
        job.check_head(request.expected)?;
        let (from, to) = (job.head, request.head);
        let target = change.revision_state(job_id, to).await?;
        if from == to {
            return Ok(());
        }
        let tip = match to {
            Some(to) if !change.is_on_line(to, job.tip).await? => {
                change.newest_descendant(to).await?
            }
            _ => job.tip,
        };
        change.swap_prompts(job_id, from, to, act.now_ms).await?;
        sqlx::query(
            "update job set head_revision_id = $1, tip_revision_id = $2, propagated = $3,
             updated_ms = $4 where job_id = $5",
        )
        .bind(to.map(|it| it.to_string()))
        .bind(tip.map(|it| it.to_string()))
        .bind(i64::from(target.is_propagated))
        .bind(act.now_ms)
        .bind(job_id.to_string())
        .execute(&mut *change.transaction)
        .await?;
        change.tell(EventBody::HeadUpdate { job_id, head: to });
        // A task that still runs decides the state when it ends.
        if !job.is_busy() && job.state != target.state {
            change.set_job_state(job_id, target.state, act.now_ms).await?;
        }
        let name =
            |it: Option<RevisionId>| it.map_or_else(|| "none".to_owned(), |it| it.to_string());
        let details = audit::details([("from", name(from)), ("to", name(to))]);
        change.audit(Some(job_id), AuditAction::HeadMoved, details, act).await?;
        change.commit(act.now_ms).await
    }
}

impl Change<'_> {
    /// What the job is with this head.
    ///
    /// # Errors
    /// If the job has no such revision.
    pub(super) async fn revision_state(
        &mut self,
        job_id: JobId,
        head: Option<RevisionId>,
    ) -> Result<RevisionState, StoreError> {
        let Some(head) = head else { return Ok(WITHOUT_MASK) };
        let found = sqlx::query(
            "select state, propagated from revision where job_id = $1 and revision_id = $2",
        )
        .bind(job_id.to_string())
        .bind(head.to_string())
        .fetch_optional(&mut *self.transaction)
        .await?
        .ok_or_else(|| StoreError::NotFound { what: "revision", id: head.to_string() })?;
        Ok(RevisionState {
            state: row::from_text(&found, "state")?,
            is_propagated: found.try_get::<i64, _>("propagated")? != 0,
        })
    }

    /// As [`Store::lineage`], within the transaction.
    pub(super) async fn lineage(
        &mut self,
        head: Option<RevisionId>,
    ) -> Result<Vec<Revision>, StoreError> {
        lineage_of(&mut *self.transaction, head).await
    }

    /// Whether a revision is the tip or one that the tip was made from.
    async fn is_on_line(
        &mut self,
        revision_id: RevisionId,
        tip: Option<RevisionId>,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query(line_of("select revision_id from line where revision_id = $2"))
            .bind(id_or_empty(tip))
            .bind(revision_id.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(found.is_some())
    }

    async fn newest_descendant(
        &mut self,
        revision_id: RevisionId,
    ) -> Result<Option<RevisionId>, StoreError> {
        let found = sqlx::query(NEWEST_DESCENDANT)
            .bind(revision_id.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?;
        id_of(found.as_ref())
    }
}
