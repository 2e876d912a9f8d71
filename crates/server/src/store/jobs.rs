//! Jobs and their prompts.

use protocol::{
    event::EventBody,
    id::{AuditId, JobId, Sha256},
    job::{Image, Job, JobState, JobSummary, Label, Revision},
    prompt::{SlicePrompt, SliceRef},
};
use sqlx::{Row, any::AnyRow};

use super::{Change, Dialect, Store, StoreError, row};

/// A job about to be made.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its identifier.
    pub job_id: JobId,
    /// Its name.
    pub name: String,
    /// Its image, already among the blobs.
    pub image: Image,
    /// Its objects.
    pub labels: Vec<Label>,
}

/// A job is summed up from its own row and its head revision's.
const SUMMARY: &str = "select job.*, revision.revision as head_revision
    from job left join revision on revision.revision_id = job.head_revision_id";

/// What the database knows of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobRow {
    pub(crate) summary: JobSummary,
    pub(crate) labels: Vec<Label>,
    pub(crate) head: Option<Revision>,
    pub(crate) is_propagated: bool,
}

fn job_row(it: &AnyRow) -> Result<JobRow, StoreError> {
    let head: Option<Revision> = row::from_json_option(it, "head_revision")?;
    Ok(JobRow {
        summary: JobSummary {
            job_id: row::id(it, "job_id")?,
            name: it.try_get("name")?,
            status: row::from_text(it, "state")?,
            image: row::from_json(it, "image")?,
            head: head.as_ref().map(|it| it.revision_id),
            doubt: head.as_ref().and_then(|it| it.doubt),
            created_ms: it.try_get("created_ms")?,
            updated_ms: it.try_get("updated_ms")?,
        },
        labels: row::from_json(it, "labels")?,
        head,
        is_propagated: it.try_get::<i64, _>("propagated")? != 0,
    })
}

impl Store {
    /// Makes a job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn create_job(&self, new: &NewJob, now_ms: i64) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        sqlx::query(
            "insert into job
             (job_id, name, image_sha256, image, labels, state, created_ms, updated_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $7)",
        )
        .bind(new.job_id.to_string())
        .bind(&new.name)
        .bind(new.image.sha256.to_string())
        .bind(row::to_json(&new.image))
        .bind(row::to_json(&new.labels))
        .bind(row::to_text(&JobState::Ready))
        .bind(now_ms)
        .execute(&mut *change.transaction)
        .await?;
        change.audit(Some(new.job_id), "job created", now_ms).await?;
        change.tell(EventBody::JobUpdate { job_id: new.job_id, status: JobState::Ready });
        change.commit(now_ms).await
    }

    /// All jobs, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn jobs(&self) -> Result<Vec<JobSummary>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{SUMMARY} order by job.created_ms desc, job.job_id desc"
        )))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| Ok(job_row(it)?.summary)).collect()
    }

    pub(crate) async fn job_row(&self, job_id: JobId) -> Result<JobRow, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!("{SUMMARY} where job.job_id = $1")))
            .bind(job_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        job_row(&found.ok_or_else(|| no_job(job_id))?)
    }

    /// A job with everything the page needs to show it again.
    ///
    /// # Errors
    /// If there is no such job, or the database fails.
    pub async fn job(&self, job_id: JobId) -> Result<Job, StoreError> {
        // The task first: a completion in between then shows a task that is over with its mask, never
        // a job without a task whose mask is still to come.
        let task = self.unfinished_task(job_id).await?;
        let prompts = self.prompts(job_id).await?;
        let found = self.job_row(job_id).await?;
        Ok(Job {
            summary: found.summary,
            labels: found.labels,
            prompts,
            head_revision: found.head,
            task,
        })
    }

    /// Replaces a job's objects.
    ///
    /// # Errors
    /// If there is no such job, or the database fails.
    pub async fn set_labels(
        &self,
        job_id: JobId,
        labels: &[Label],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let state = change.job_state(job_id).await?;
        sqlx::query("update job set labels = $1, updated_ms = $2 where job_id = $3")
            .bind(row::to_json(&labels))
            .bind(now_ms)
            .bind(job_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        change.tell(EventBody::JobUpdate { job_id, status: state });
        change.commit(now_ms).await
    }

    /// Deletes a job with its prompts, tasks and revisions; one audit line stays. Returns the blobs
    /// that nothing refers to any more.
    ///
    /// # Errors
    /// If there is no such job, or the database fails.
    pub async fn delete_job(&self, job_id: JobId, now_ms: i64) -> Result<Vec<Sha256>, StoreError> {
        let mut change = self.begin().await?;
        change.job_state(job_id).await?;
        let mut blobs = Vec::new();
        for sql in [
            "select image_sha256 from job where job_id = $1",
            "select distinct mask_sha256 from revision where job_id = $1",
            "select distinct sha256 from delivery join task on task.task_id = delivery.task_id
             where task.job_id = $1",
        ] {
            let rows = sqlx::query(sql)
                .bind(job_id.to_string())
                .fetch_all(&mut *change.transaction)
                .await?;
            for it in rows {
                let text: String = it.try_get(0)?;
                blobs.push(text);
            }
        }
        sqlx::query("delete from job where job_id = $1")
            .bind(job_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        let mut orphans = Vec::new();
        for text in blobs {
            let sha256: Sha256 = text.parse().map_err(|source| StoreError::Corrupt {
                what: "blob name",
                source: Box::new(source),
            })?;
            if !change.is_referenced(&sha256).await? {
                orphans.push(sha256);
            }
        }
        change.audit(Some(job_id), "job deleted", now_ms).await?;
        change.tell(EventBody::JobRemoved { job_id });
        change.commit(now_ms).await?;
        Ok(orphans)
    }

    /// Whether any job refers to a blob.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_referenced(&self, sha256: &Sha256) -> Result<bool, StoreError> {
        let mut change = self.begin().await?;
        change.is_referenced(sha256).await
    }

    /// A job's prompts.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn prompts(&self, job_id: JobId) -> Result<Vec<SlicePrompt>, StoreError> {
        let rows = sqlx::query(
            "select prompt from prompt where job_id = $1 order by label, axis, slice_index",
        )
        .bind(job_id.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| row::from_json(it, "prompt")).collect()
    }

    /// Stores what a person marked for one object on one slice, in place of what was there.
    ///
    /// # Errors
    /// If there is no such job, or the database fails.
    pub async fn put_prompt(
        &self,
        job_id: JobId,
        prompt: &SlicePrompt,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let state = change.job_state(job_id).await?;
        change.put_prompt(job_id, prompt).await?;
        change.tell(EventBody::JobUpdate { job_id, status: state });
        change.commit(now_ms).await
    }

    /// Removes what a person marked for one object on one slice.
    ///
    /// # Errors
    /// If there is no such job, or the database fails.
    pub async fn delete_prompt(
        &self,
        job_id: JobId,
        label: u8,
        slice: SliceRef,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let state = change.job_state(job_id).await?;
        sqlx::query(
            "delete from prompt
             where job_id = $1 and label = $2 and axis = $3 and slice_index = $4",
        )
        .bind(job_id.to_string())
        .bind(i64::from(label))
        .bind(i64::from(slice.axis))
        .bind(i64::from(slice.slice_index))
        .execute(&mut *change.transaction)
        .await?;
        change.tell(EventBody::JobUpdate { job_id, status: state });
        change.commit(now_ms).await
    }
}

pub(crate) fn no_job(job_id: JobId) -> StoreError {
    StoreError::NotFound { what: "job", id: job_id.to_string() }
}

impl Change<'_> {
    /// A job's state. Its row stays locked, so that what is decided from the state holds until the
    /// commit.
    pub(crate) async fn job_state(&mut self, job_id: JobId) -> Result<JobState, StoreError> {
        let sql = match self.store.dialect {
            // The whole database is locked already.
            Dialect::Sqlite => "select state from job where job_id = $1",
            Dialect::Postgres => "select state from job where job_id = $1 for update",
        };
        let found = sqlx::query(sql)
            .bind(job_id.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?;
        row::from_text(&found.ok_or_else(|| no_job(job_id))?, "state")
    }

    pub(crate) async fn set_job_state(
        &mut self,
        job_id: JobId,
        state: JobState,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("update job set state = $1, updated_ms = $2 where job_id = $3")
            .bind(row::to_text(&state))
            .bind(now_ms)
            .bind(job_id.to_string())
            .execute(&mut *self.transaction)
            .await?;
        self.tell(EventBody::JobUpdate { job_id, status: state });
        Ok(())
    }

    pub(crate) async fn put_prompt(
        &mut self,
        job_id: JobId,
        prompt: &SlicePrompt,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into prompt (job_id, label, axis, slice_index, prompt)
             values ($1, $2, $3, $4, $5)
             on conflict (job_id, label, axis, slice_index) do update set prompt = excluded.prompt",
        )
        .bind(job_id.to_string())
        .bind(i64::from(prompt.label))
        .bind(i64::from(prompt.slice.axis))
        .bind(i64::from(prompt.slice.slice_index))
        .bind(row::to_json(prompt))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Adds points to what is marked on a slice.
    pub(crate) async fn add_points(
        &mut self,
        job_id: JobId,
        hint: &SlicePrompt,
    ) -> Result<(), StoreError> {
        let found = sqlx::query(
            "select prompt from prompt
             where job_id = $1 and label = $2 and axis = $3 and slice_index = $4",
        )
        .bind(job_id.to_string())
        .bind(i64::from(hint.label))
        .bind(i64::from(hint.slice.axis))
        .bind(i64::from(hint.slice.slice_index))
        .fetch_optional(&mut *self.transaction)
        .await?;
        let mut prompt: SlicePrompt = match found {
            Some(it) => row::from_json(&it, "prompt")?,
            None => return self.put_prompt(job_id, hint).await,
        };
        if prompt.absent {
            return Err(StoreError::WrongState(format!(
                "the object is marked as absent on slice {}: take that back first",
                hint.slice.slice_index
            )));
        }
        let new = hint.points.iter().filter(|it| !prompt.points.contains(it)).copied();
        let new: Vec<_> = new.collect();
        prompt.points.extend(new);
        self.put_prompt(job_id, &prompt).await
    }

    pub(crate) async fn audit(
        &mut self,
        job_id: Option<JobId>,
        action: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into audit (audit_id, job_id, action, created_ms) values ($1, $2, $3, $4)",
        )
        .bind(AuditId::fresh().to_string())
        .bind(job_id.map(|it| it.to_string()))
        .bind(action)
        .bind(now_ms)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn is_referenced(&mut self, sha256: &Sha256) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "select 1 as found from job where image_sha256 = $1
             union all select 1 from revision where mask_sha256 = $1
             union all select 1 from delivery where sha256 = $1
             limit 1",
        )
        .bind(sha256.to_string())
        .fetch_optional(&mut *self.transaction)
        .await?;
        Ok(found.is_some())
    }
}
