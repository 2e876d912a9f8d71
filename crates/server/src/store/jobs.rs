//! Jobs.

use protocol::{
    audit::{AuditAction, AuditDetails},
    event::EventBody,
    id::{JobId, RevisionId, Sha256},
    job::{Image, Job, JobState, JobSummary, Modality, Revision},
    label::Label,
    rating::Rating,
    review::{Review, ReviewState},
};
use sqlx::{Row, any::AnyRow};

use super::{Act, Change, Dialect, Store, StoreError, audit, row};

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

const UNFINISHED: &str = "select task_id from task
    where job_id = $1 and state in ('queued', 'leased') order by task_id";

/// What the database knows of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobRow {
    pub(crate) summary: JobSummary,
    pub(crate) labels: Vec<Label>,
    pub(crate) head: Option<Revision>,
    pub(crate) is_propagated: bool,
    /// The leaf that undo walks back from.
    tip: Option<RevisionId>,
}

/// A job's row as it stays until the commit: what is decided from it holds.
#[derive(Debug, Clone)]
pub(crate) struct LockedJob {
    pub(crate) state: JobState,
    pub(crate) review: Review,
    pub(crate) labels: Vec<Label>,
    pub(crate) image: Image,
    pub(crate) head: Option<RevisionId>,
    pub(super) tip: Option<RevisionId>,
}

impl LockedJob {
    /// Whether a task is unfinished.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.state, JobState::Segmenting | JobState::Propagating)
    }
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
            rating: head.as_ref().and_then(rating),
            n_objects: head.as_ref().map_or(Some(0), |it| it.n_objects),
            review: row::from_json(it, "review")?,
            created_ms: it.try_get("created_ms")?,
            updated_ms: it.try_get("updated_ms")?,
        },
        labels: row::from_json(it, "labels")?,
        head,
        is_propagated: it.try_get::<i64, _>("propagated")? != 0,
        tip: row::id_option(it, "tip_revision_id")?,
    })
}

/// Revisions of versions that kept no rating still have their own figures.
fn rating(head: &Revision) -> Option<Rating> {
    head.rating.clone().or_else(|| head.rated_after(None))
}

impl Store {
    /// Makes a job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn create_job(&self, new: &NewJob, act: &Act) -> Result<(), StoreError> {
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
        .bind(act.now_ms)
        .execute(&mut *change.transaction)
        .await?;
        let details = AuditDetails::from([("file".to_owned(), new.image.file_name.clone())]);
        change.audit(Some(new.job_id), AuditAction::JobCreated, details, act).await?;
        change.tell(EventBody::JobUpdate { job_id: new.job_id, status: JobState::Ready });
        change.commit(act.now_ms).await
    }

    /// Says what kind of machine made a job's image.
    ///
    /// # Errors
    /// If the job is accepted, there is no such job, or the database fails.
    pub async fn set_modality(
        &self,
        job_id: JobId,
        modality: Modality,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let job = change.open_job(job_id).await?;
        if job.image.modality == modality {
            return Ok(());
        }
        let from = row::to_text(&job.image.modality);
        let image = Image { modality, ..job.image };
        sqlx::query("update job set image = $1, updated_ms = $2 where job_id = $3")
            .bind(row::to_json(&image))
            .bind(act.now_ms)
            .bind(job_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        let details = audit::details([("from", from), ("to", row::to_text(&modality))]);
        change.audit(Some(job_id), AuditAction::ModalityChanged, details, act).await?;
        change.tell(EventBody::JobUpdate { job_id, status: job.state });
        change.commit(act.now_ms).await
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
        let redo = self.redo(found.summary.head, found.tip).await?;
        Ok(Job {
            summary: found.summary,
            labels: found.labels,
            prompts,
            head_revision: found.head,
            redo,
            opinions: self.opinions(job_id).await?,
            task,
        })
    }

    /// Deletes a job with its prompts, tasks and revisions; its lines of the audit list stay. Returns the blobs
    /// that nothing refers to any more.
    ///
    /// # Errors
    /// If there is no such job, or the database fails.
    pub async fn delete_job(&self, job_id: JobId, act: &Act) -> Result<Vec<Sha256>, StoreError> {
        let mut change = self.begin().await?;
        change.job(job_id).await?;
        let details = AuditDetails::new();
        change.audit(Some(job_id), AuditAction::JobDeleted, details, act).await?;
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
        change.end_waiting(job_id).await?;
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
        change.tell(EventBody::JobRemoved { job_id });
        change.commit(act.now_ms).await?;
        Ok(orphans)
    }

    /// Whether any job or request refers to a blob.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_referenced(&self, sha256: &Sha256) -> Result<bool, StoreError> {
        let mut change = self.begin().await?;
        change.is_referenced(sha256).await
    }
}

pub(crate) fn no_job(job_id: JobId) -> StoreError {
    StoreError::NotFound { what: "job", id: job_id.to_string() }
}

impl Change<'_> {
    /// A job's row, locked until the commit.
    pub(crate) async fn job(&mut self, job_id: JobId) -> Result<LockedJob, StoreError> {
        let sql = match self.store.dialect {
            // The whole database is locked already.
            Dialect::Sqlite => "select * from job where job_id = $1",
            // Its key stays. A claim, which has locked its task first, asks for no more than that:
            // neither then waits for the other.
            Dialect::Postgres => "select * from job where job_id = $1 for no key update",
        };
        let found = sqlx::query(sql)
            .bind(job_id.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?
            .ok_or_else(|| no_job(job_id))?;
        Ok(LockedJob {
            state: row::from_text(&found, "state")?,
            review: row::from_json(&found, "review")?,
            labels: row::from_json(&found, "labels")?,
            image: row::from_json(&found, "image")?,
            head: row::id_option(&found, "head_revision_id")?,
            tip: row::id_option(&found, "tip_revision_id")?,
        })
    }

    /// Locks the unfinished tasks of a job that is to go, and tells whoever waits for them. A claim that
    /// has locked one first ends first: it looks for the job in the end.
    async fn end_waiting(&mut self, job_id: JobId) -> Result<(), StoreError> {
        let sql = match self.store.dialect {
            Dialect::Sqlite => UNFINISHED.to_owned(),
            Dialect::Postgres => format!("{UNFINISHED} for update"),
        };
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(job_id.to_string())
            .fetch_all(&mut *self.transaction)
            .await?;
        for it in &rows {
            self.turned(row::id(it, "task_id")?);
        }
        Ok(())
    }

    /// A job's row, locked until the commit, for a change of its mask, prompts or labels.
    ///
    /// # Errors
    /// If the job is accepted.
    pub(crate) async fn open_job(&mut self, job_id: JobId) -> Result<LockedJob, StoreError> {
        let job = self.job(job_id).await?;
        match job.review.state {
            ReviewState::Accepted => Err(StoreError::JobAccepted),
            ReviewState::Draft | ReviewState::InReview | ReviewState::Rejected => Ok(job),
        }
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

    pub(super) async fn is_referenced(&mut self, sha256: &Sha256) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "select 1 as found from job where image_sha256 = $1
             union all select 1 from revision where mask_sha256 = $1
             union all select 1 from delivery where sha256 = $1
             union all select 1 from request_input where sha256 = $1
             limit 1",
        )
        .bind(sha256.to_string())
        .fetch_optional(&mut *self.transaction)
        .await?;
        Ok(found.is_some())
    }
}
