//! Revisions: the immutable states of a job's mask, and how a new one becomes the head.

use protocol::{
    audit::AuditAction,
    event::EventBody,
    id::{JobId, RevisionId, Sha256},
    job::{JobState, Revision, RevisionAction},
    rating::Rating,
};

use super::{
    Act, Change, Store, StoreError, audit, heads::RevisionState, jobs::LockedJob, prompts::Brought,
    row,
};

/// A revision about to be stored.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// The revision.
    pub revision: Revision,
    /// The objects that lose or gain voxels by it, ascending.
    pub touched: Vec<u8>,
}

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
    /// If its parent is not the head, it touches a locked object, the job is accepted, there is no
    /// such job, or the database fails.
    pub async fn add_revision(
        &self,
        job_id: JobId,
        new: &NewRevision,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let job = change.open_job(job_id).await?;
        let state = change.put_head(job_id, &job, new, Brought::Now).await?;
        if !job.is_busy() && job.state != state {
            change.set_job_state(job_id, state, act.now_ms).await?;
        }
        let revision = &new.revision;
        let labels: Vec<_> = new.touched.iter().map(ToString::to_string).collect();
        let details = audit::known([
            ("revision", Some(revision.revision_id.to_string())),
            ("action", revision.action.map(|it| row::to_text(&it))),
            ("labels", (!labels.is_empty()).then(|| labels.join(", "))),
        ]);
        change.audit(Some(job_id), AuditAction::MaskEdited, details, act).await?;
        change.commit(act.now_ms).await
    }
}

impl LockedJob {
    /// Refuses what was made from another head.
    pub(super) fn check_head(&self, expected: Option<RevisionId>) -> Result<(), StoreError> {
        if self.head == expected {
            return Ok(());
        }
        let head = self.head.map_or_else(|| "none".to_owned(), |it| it.to_string());
        Err(StoreError::NotHead { head })
    }
}

impl Change<'_> {
    /// Stores a revision, with the prompts that belong to it, and makes it head and tip. Returns the
    /// state that a job with this mask is in.
    ///
    /// # Errors
    /// If its parent is not the head, or it touches a locked object.
    pub(super) async fn put_head(
        &mut self,
        job_id: JobId,
        job: &LockedJob,
        new: &NewRevision,
        brought: Brought,
    ) -> Result<JobState, StoreError> {
        let mut revision = new.revision.clone();
        job.check_head(revision.parent)?;
        job.check_unlocked(new.touched.iter().copied())?;
        let before = self.rating_of(job_id, revision.parent).await?;
        revision.rating = revision.rated_after(before);
        let after = state_after(self.revision_state(job_id, revision.parent).await?, &revision);
        self.divide_prompts(job_id, &revision, brought).await?;
        sqlx::query(
            "insert into revision
             (revision_id, job_id, parent_id, mask_sha256, revision, state, propagated, created_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(revision.revision_id.to_string())
        .bind(job_id.to_string())
        .bind(id_or_empty(revision.parent))
        .bind(revision.mask.to_string())
        .bind(row::to_json(&revision))
        .bind(row::to_text(&after.state))
        .bind(i64::from(after.is_propagated))
        .bind(revision.created_ms)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query(
            "update job set head_revision_id = $1, tip_revision_id = $1, propagated = $2,
             updated_ms = $3 where job_id = $4",
        )
        .bind(revision.revision_id.to_string())
        .bind(i64::from(after.is_propagated))
        .bind(revision.created_ms)
        .bind(job_id.to_string())
        .execute(&mut *self.transaction)
        .await?;
        self.tell(EventBody::RevisionUpdate { job_id, revision: Box::new(revision) });
        Ok(after.state)
    }

    /// What an engine said last of a revision; none of none.
    async fn rating_of(
        &mut self,
        job_id: JobId,
        revision: Option<RevisionId>,
    ) -> Result<Option<Rating>, StoreError> {
        let found =
            sqlx::query("select revision from revision where job_id = $1 and revision_id = $2")
                .bind(job_id.to_string())
                .bind(id_or_empty(revision))
                .fetch_optional(&mut *self.transaction)
                .await?;
        let Some(found) = found else { return Ok(None) };
        let revision: Revision = row::from_json(&found, "revision")?;
        Ok(revision.rating.clone().or_else(|| revision.rated_after(None)))
    }

    /// The mask of a revision; none of none.
    pub(super) async fn mask_of(
        &mut self,
        revision_id: Option<RevisionId>,
    ) -> Result<Option<Sha256>, StoreError> {
        let found = sqlx::query("select mask_sha256 from revision where revision_id = $1")
            .bind(id_or_empty(revision_id))
            .fetch_optional(&mut *self.transaction)
            .await?;
        found.map(|it| row::id(&it, "mask_sha256")).transpose()
    }
}

/// The identifier of a state of the mask as columns have it: empty without a mask.
pub(super) fn id_or_empty(revision_id: Option<RevisionId>) -> String {
    revision_id.map(|it| it.to_string()).unwrap_or_default()
}

/// What a job is once `revision` is its head; `before` with its parent.
fn state_after(before: RevisionState, revision: &Revision) -> RevisionState {
    match revision.action {
        Some(RevisionAction::Propagate | RevisionAction::Interpolate) => {
            RevisionState { state: JobState::Completed, is_propagated: true }
        }
        Some(RevisionAction::SegmentSlice) => {
            RevisionState { state: JobState::Segmented, ..before }
        }
        _ if before.state == JobState::Ready => {
            RevisionState { state: JobState::Segmented, ..before }
        }
        _ => before,
    }
}
