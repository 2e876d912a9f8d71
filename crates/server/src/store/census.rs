//! What the database holds, counted: for the diagnosis.

use protocol::id::Sha256;
use sqlx::{AssertSqlSafe, Row};

use super::{Store, StoreError, row};

/// A blob that a row needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) sha256: Sha256,
    pub(crate) what: What,
    /// `job …` or `request …`, with its identifier.
    pub(crate) owner: String,
}

/// What a blob is to its job or request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// The image itself.
    Image,
    /// A revision's mask.
    Mask,
    /// What a request reads, or its program wrote.
    File,
    /// What an agent delivered; its mask is part of a revision by now.
    Output,
}

const REFERENCES: [(What, &str); 4] = [
    (
        What::Image,
        "select image_sha256 as sha256, 'job ' || job_id as owner from job
         order by created_ms desc",
    ),
    (
        What::Mask,
        "select mask_sha256 as sha256, 'job ' || job_id as owner from revision
         order by created_ms desc",
    ),
    (
        What::File,
        "select sha256, 'request ' || task_id as owner from request_input
         union select delivery.sha256, 'request ' || task.task_id from delivery
         join task on task.task_id = delivery.task_id where task.job_id is null
         order by owner desc",
    ),
    (
        What::Output,
        "select delivery.sha256 as sha256, 'job ' || task.job_id as owner from delivery
         join task on task.task_id = delivery.task_id where task.job_id is not null
         order by task.created_ms desc",
    ),
];

impl Store {
    /// Every blob that a row needs: images first, then masks, files of requests and outputs, the
    /// newest first.
    pub(crate) async fn references(&self) -> Result<Vec<Reference>, StoreError> {
        let mut found = Vec::new();
        for (what, sql) in REFERENCES {
            for it in sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await? {
                let (sha256, owner) = (row::id(&it, "sha256")?, it.try_get("owner")?);
                found.push(Reference { sha256, what, owner });
            }
        }
        Ok(found)
    }

    /// How many jobs there are, and when the newest change was made, milliseconds since 1970.
    pub(crate) async fn jobs_and_newest_change(&self) -> Result<(i64, i64), StoreError> {
        let row =
            sqlx::query("select count(*) as n, coalesce(max(updated_ms), 0) as newest from job")
                .fetch_one(&self.pool)
                .await?;
        Ok((row.try_get("n")?, row.try_get("newest")?))
    }
}
