//! What time ends: tasks over their limit, tasks without attempts left, withdrawn tasks whose agent
//! has gone.

use protocol::id::TaskId;
use sqlx::Row;

use super::{Store, StoreError, row};
use crate::queue::{self, QueueEvent};

impl Store {
    /// Ends what time has ended: tasks over their limit, tasks without attempts left, cancelled
    /// tasks whose agent has gone.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tick(&self, now_ms: i64) -> Result<usize, StoreError> {
        let rows = sqlx::query(row::tasks!(
            "where state = 'leased'
             and (lease_until_ms < $1 or started_ms + time_limit_ms < $1)"
        ))
        .bind(now_ms)
        .fetch_all(&self.pool)
        .await?;
        let mut n_ended = 0;
        for it in rows {
            let record = row::task_record(&it)?;
            // Its lease may be claimed: wake whoever waits for work. It may stay so for long.
            if queue::next(&record, &QueueEvent::Tick, now_ms).is_err() {
                self.waiters.wake_agents();
                continue;
            }
            match self.transition(record.task.task_id, &QueueEvent::Tick, now_ms).await {
                Ok(_) => n_ended += 1,
                Err(StoreError::Refused(_)) => self.waiters.wake_agents(),
                Err(error) => return Err(error),
            }
        }
        Ok(n_ended)
    }

    /// Withdrawn tasks with a mask so far that the next [`Store::tick`] ends: the agent has gone, or
    /// does not stop in time. Each with its fence.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn left_behind(&self, now_ms: i64) -> Result<Vec<(TaskId, i64)>, StoreError> {
        let rows = sqlx::query(
            "select task_id, fence from task
             where state = 'leased' and cancel_requested = 1 and partial_sha256 is not null
             and (lease_until_ms < $1 or started_ms + time_limit_ms < $1)",
        )
        .bind(now_ms)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| Ok((row::id(it, "task_id")?, it.try_get("fence")?))).collect()
    }
}
