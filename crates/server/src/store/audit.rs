//! The audit list: a line is written in the transaction of what it tells of, and outlives the job.

use protocol::{
    audit::{AuditAction, AuditDetails, AuditEntry},
    id::{AuditId, JobId},
};
use sqlx::{Row, any::AnyRow};

use super::{Act, Change, Store, StoreError, row};

/// Which lines of the audit list.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only those of this job.
    pub job_id: Option<JobId>,
    /// Only those of this person; empty: of those who do not say who they are.
    pub person: Option<String>,
    /// Only those that tell of this.
    pub action: Option<AuditAction>,
    /// Only those older than this one.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: i64,
}

/// Particulars of a line, from names and values.
pub(crate) fn details<const N: usize>(pairs: [(&str, String); N]) -> AuditDetails {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Particulars of a line, those that there are.
pub(crate) fn known<const N: usize>(pairs: [(&str, Option<String>); N]) -> AuditDetails {
    let known = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.collect()
}

impl Store {
    /// Lines of the audit list, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn audit_entries(&self, query: AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query(
            "select * from audit
             where ($1 = '' or job_id = $1) and ($2 = '' or audit_id < $2)
             and ($3 = 0 or by_name = $4) and ($5 = '' or action = $5)
             order by audit_id desc limit $6",
        )
        .bind(query.job_id.map(|it| it.to_string()).unwrap_or_default())
        .bind(query.before.map(|it| it.to_string()).unwrap_or_default())
        .bind(i64::from(query.person.is_some()))
        .bind(query.person.unwrap_or_default())
        .bind(query.action.map(|it| row::to_text(&it)).unwrap_or_default())
        .bind(query.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(audit_entry).collect()
    }

    /// Whether somebody of this name opened the job.
    pub(crate) async fn has_opened(&self, job_id: JobId, name: &str) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "select 1 as n from audit
             where job_id = $1 and action = 'job_created' and by_name = $2 and by_name <> ''",
        )
        .bind(job_id.to_string())
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }

    /// Writes a line of its own: of something that changed nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn note(
        &self,
        job_id: JobId,
        action: AuditAction,
        details: AuditDetails,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        change.audit(Some(job_id), action, details, act).await?;
        change.commit(act.now_ms).await
    }
}

fn audit_entry(it: &AnyRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        audit_id: row::id(it, "audit_id")?,
        job_id: row::id_option(it, "job_id")?,
        job_name: it.try_get("job_name")?,
        action: row::from_text(it, "action")?,
        by: it.try_get("by_name")?,
        details: row::from_json(it, "details")?,
        created_ms: it.try_get("created_ms")?,
    })
}

impl Change<'_> {
    /// Writes a line of the audit list; before a job's row is deleted, so that its name is known.
    pub(crate) async fn audit(
        &mut self,
        job_id: Option<JobId>,
        action: AuditAction,
        details: AuditDetails,
        act: &Act,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into audit (audit_id, job_id, job_name, action, by_name, details, created_ms)
             values ($1, $2, (select name from job where job_id = $2), $3, $4, $5, $6)",
        )
        .bind(AuditId::fresh().to_string())
        .bind(job_id.map(|it| it.to_string()))
        .bind(row::to_text(&action))
        .bind(&act.by)
        .bind(row::to_json(&details))
        .bind(act.now_ms)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}
