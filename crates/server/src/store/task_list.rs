//! Lists of tasks, and how many there are.

use protocol::{
    id::{JobId, TaskId},
    task::{Task, TaskState},
    task_log::TaskCounts,
};
use sqlx::{Row, any::AnyRow};

use super::{Store, StoreError, row};
use crate::rates::Ended;

/// Which tasks to list; by default all.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only those of this job.
    pub job_id: Option<JobId>,
    /// Only those in this state.
    pub state: Option<TaskState>,
    /// Only those queued before this one.
    pub before: Option<TaskId>,
}

impl Store {
    /// The newest tasks, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tasks(&self, filter: &TaskFilter, limit: i64) -> Result<Vec<Task>, StoreError> {
        // Identifiers made later sort later.
        let rows = sqlx::query(row::tasks!(
            "where ($1 = '' or job_id = $1) and ($2 = '' or state = $2)
             and ($3 = '' or task_id < $3)
             order by task_id desc limit $4"
        ))
        .bind(filter.job_id.map(|it| it.to_string()).unwrap_or_default())
        .bind(filter.state.map(|it| row::to_text(&it)).unwrap_or_default())
        .bind(filter.before.map(|it| it.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        tasks_of(&rows)
    }

    /// How many tasks there are in each state; of one job only, if `job_id` is given.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count_tasks(&self, job_id: Option<JobId>) -> Result<TaskCounts, StoreError> {
        let rows = sqlx::query(
            "select state, count(*) as n from task where $1 = '' or job_id = $1 group by state",
        )
        .bind(job_id.map(|it| it.to_string()).unwrap_or_default())
        .fetch_all(&self.pool)
        .await?;
        let mut counts = TaskCounts::default();
        for it in &rows {
            *counts.of(row::from_text(it, "state")?) = row::number(it, "n")?;
        }
        Ok(counts)
    }

    /// A job's newest unfinished task.
    pub(crate) async fn unfinished_task(&self, job_id: JobId) -> Result<Option<Task>, StoreError> {
        let found = sqlx::query(row::tasks!(
            "where job_id = $1 and state in ('queued', 'leased')
             order by created_ms desc, task_id desc limit 1"
        ))
        .bind(job_id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        found.map(|it| Ok(row::task_record(&it)?.task)).transpose()
    }

    /// The tasks that ended at or after `from_ms`.
    pub(crate) async fn ended_since(&self, from_ms: i64) -> Result<Vec<Ended>, StoreError> {
        let rows = sqlx::query(
            "select state, created_ms, started_ms, finished_ms from task where finished_ms >= $1",
        )
        .bind(from_ms)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|it| {
                Ok(Ended {
                    state: row::from_text(it, "state")?,
                    created_ms: it.try_get("created_ms")?,
                    started_ms: it.try_get("started_ms")?,
                    finished_ms: it.try_get("finished_ms")?,
                })
            })
            .collect()
    }
}

fn tasks_of(rows: &[AnyRow]) -> Result<Vec<Task>, StoreError> {
    rows.iter().map(|it| Ok(row::task_record(it)?.task)).collect()
}
