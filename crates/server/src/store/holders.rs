//! Whose a lease is: the credential that claimed it, or the server's own agent.

use protocol::{id::TaskId, lease::ClaimRequest};
use sqlx::Row;

use super::{Change, Store, StoreError, tasks::no_task};
use crate::queue::TaskRecord;

/// Holds the leases of the server's own agent.
pub(crate) const HERE: &str = "here";

impl Store {
    /// Grants the server's own agent the most urgent task that it can run; none when there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn claim(
        &self,
        request: &ClaimRequest,
        lease_ms: i64,
        now_ms: i64,
    ) -> Result<Option<TaskRecord>, StoreError> {
        self.claim_as(HERE, request, lease_ms, now_ms).await
    }

    /// Whose the task's lease is, or was last; none before the first one.
    pub(crate) async fn holder(&self, task_id: TaskId) -> Result<Option<String>, StoreError> {
        let found = sqlx::query("select credential_id from task where task_id = $1")
            .bind(task_id.to_string())
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| no_task(task_id))?;
        Ok(found.try_get(0)?)
    }
}

impl Change<'_> {
    /// Binds a lease that is being granted to its holder.
    pub(super) async fn hold(&mut self, task_id: TaskId, holder: &str) -> Result<(), StoreError> {
        sqlx::query("update task set credential_id = $1 where task_id = $2")
            .bind(holder)
            .bind(task_id.to_string())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}
