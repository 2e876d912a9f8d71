//! Revisions: the immutable states of a job's mask, and its head.

use protocol::{
    event::EventBody,
    id::{JobId, RevisionId},
    job::{JobState, Revision},
    prompt::SlicePrompt,
};
use sqlx::Row;

use super::{Change, Store, StoreError, row};

impl Store {
    /// All revisions of a job, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn revisions(&self, job_id: JobId) -> Result<Vec<Revision>, StoreError> {
        let rows = sqlx::query(
            "select revision from revision where job_id = $1 order by created_ms, revision_id",
        )
        .bind(job_id.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| row::from_json(it, "revision")).collect()
    }

    /// One revision of a job.
    ///
    /// # Errors
    /// If the job has no such revision, or the database fails.
    pub async fn revision(
        &self,
        job_id: JobId,
        revision_id: RevisionId,
    ) -> Result<Revision, StoreError> {
        let found =
            sqlx::query("select revision from revision where job_id = $1 and revision_id = $2")
                .bind(job_id.to_string())
                .bind(revision_id.to_string())
                .fetch_optional(&self.pool)
                .await?
                .ok_or_else(|| StoreError::NotFound {
                    what: "revision",
                    id: revision_id.to_string(),
                })?;
        row::from_json(&found, "revision")
    }

    /// Makes a person's revision the head, together with the prompts that vouch for its slices.
    ///
    /// # Errors
    /// If `revision.parent` is not the head, there is no such job, or the database fails.
    pub async fn add_revision(
        &self,
        job_id: JobId,
        revision: &Revision,
        confirmed: &[SlicePrompt],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let state = change.job_state(job_id).await?;
        change.put_head(job_id, revision, now_ms).await?;
        for prompt in confirmed {
            change.put_prompt(job_id, prompt).await?;
        }
        if matches!(state, JobState::Ready | JobState::Failed | JobState::Cancelled) {
            change.set_job_state(job_id, JobState::Segmented, now_ms).await?;
        }
        change.audit(Some(job_id), "mask edited", now_ms).await?;
        change.commit(now_ms).await
    }
}

impl Change<'_> {
    /// Stores a revision and makes it the head, if its parent is the head.
    pub(super) async fn put_head(
        &mut self,
        job_id: JobId,
        revision: &Revision,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let moved = sqlx::query(
            "update job set head_revision_id = $1, updated_ms = $2
             where job_id = $3 and coalesce(head_revision_id, '') = $4",
        )
        .bind(revision.revision_id.to_string())
        .bind(now_ms)
        .bind(job_id.to_string())
        .bind(revision.parent.map(|it| it.to_string()).unwrap_or_default())
        .execute(&mut *self.transaction)
        .await?
        .rows_affected();
        if moved != 1 {
            let head = sqlx::query("select head_revision_id from job where job_id = $1")
                .bind(job_id.to_string())
                .fetch_one(&mut *self.transaction)
                .await?
                .try_get::<Option<String>, _>(0)?;
            return Err(StoreError::NotHead { head: head.unwrap_or_else(|| "none".to_owned()) });
        }
        sqlx::query(
            "insert into revision (revision_id, job_id, mask_sha256, revision, created_ms)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(revision.revision_id.to_string())
        .bind(job_id.to_string())
        .bind(revision.mask.to_string())
        .bind(row::to_json(revision))
        .bind(revision.created_ms)
        .execute(&mut *self.transaction)
        .await?;
        self.tell(EventBody::RevisionUpdate { job_id, revision: Box::new(revision.clone()) });
        Ok(())
    }
}
