//! The log of a task, written with the change that it tells of.

use protocol::{
    audit::AuditAction,
    id::TaskId,
    task_log::{TaskLogLine, TaskStep},
};
use sqlx::Row;

use super::{Act, Change, Store, StoreError, audit, row, tasks::no_task};
use crate::task_log::{self, Entry};

/// An agent that names a new stage with every heartbeat fills no disk.
const MAX_STAGES: i64 = 200;

impl Store {
    /// What happened to a task, oldest line first.
    ///
    /// # Errors
    /// If there is no such task, or the database fails.
    pub async fn task_log(&self, task_id: TaskId) -> Result<Vec<TaskLogLine>, StoreError> {
        let known = sqlx::query("select 1 as found from task where task_id = $1")
            .bind(task_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        known.ok_or_else(|| no_task(task_id))?;
        let rows =
            sqlx::query("select entry, at_ms from task_log where task_id = $1 order by line")
                .bind(task_id.to_string())
                .fetch_all(&self.pool)
                .await?;
        let entries = rows
            .iter()
            .map(|it| Ok((it.try_get("at_ms")?, row::from_json(it, "entry")?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(task_log::lines(&entries))
    }

    /// Notes that a person asked for the same as `task_id` again.
    ///
    /// # Errors
    /// If there is no such task, or the database fails.
    pub async fn note_retry(
        &self,
        task_id: TaskId,
        retried_as: TaskId,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let task = change.task_and_job(task_id).await?.task;
        let entry = Entry {
            attempt: task.attempt,
            retried_as: Some(retried_as),
            ..Entry::of(TaskStep::Retried)
        };
        change.log_task(task_id, &[entry], act.now_ms).await?;
        let details =
            audit::details([("task", task_id.to_string()), ("as", retried_as.to_string())]);
        change.audit(task.job_id, AuditAction::TaskRetried, details, act).await?;
        change.commit(act.now_ms).await
    }
}

impl Change<'_> {
    pub(super) async fn log_task(
        &mut self,
        task_id: TaskId,
        entries: &[Entry],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        for it in entries {
            let most = if it.step == TaskStep::Stage { MAX_STAGES } else { i64::MAX };
            sqlx::query(
                "insert into task_log (task_id, line, entry, at_ms)
                 select $1, coalesce(max(line), 0) + 1, $2, $3 from task_log
                 where task_id = $1 having count(*) < $4",
            )
            .bind(task_id.to_string())
            .bind(row::to_json(it))
            .bind(now_ms)
            .bind(most)
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(())
    }
}
