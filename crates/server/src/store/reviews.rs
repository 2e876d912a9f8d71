//! Reviews: the steps from a draft to an accepted mask, and readers' opinions.

use protocol::{
    audit::AuditAction,
    event::EventBody,
    id::{JobId, OpinionId, ReviewStepId},
    review::{Opinion, Review, ReviewRequest, ReviewState, ReviewStep},
    system::Reason,
};

use super::{Act, Store, StoreError, audit, row};

impl Store {
    /// Takes a step of a review, which [`crate::review::check_step`] lets through.
    ///
    /// # Errors
    /// If the review or the head is elsewhere, there is no mask, a task is unfinished, there is no
    /// such job, or the database fails.
    pub async fn take_review_step(
        &self,
        job_id: JobId,
        request: &ReviewRequest,
        act: &Act,
    ) -> Result<Review, StoreError> {
        let mut change = self.begin().await?;
        let job = change.job(job_id).await?;
        if job.review.state != request.from {
            return Err(StoreError::ReviewChanged { state: row::to_text(&job.review.state) });
        }
        job.check_head(request.head)?;
        let hands_over = matches!(request.to, ReviewState::InReview | ReviewState::Accepted);
        if hands_over && job.head.is_none() {
            return Err(StoreError::wrong_state(
                "there is no mask yet that could be reviewed: segment a slice first",
                Reason::NoMask,
            ));
        }
        if request.to == ReviewState::Accepted && job.is_busy() {
            return Err(StoreError::wrong_state(
                "a task would still change the mask: wait for it or cancel it first",
                Reason::TaskRuns,
            ));
        }
        let step = ReviewStep {
            from: request.from,
            to: request.to,
            by: act.by.clone(),
            comment: request.comment.clone(),
            revision: job.head,
            at_ms: act.now_ms,
        };
        let review = Review {
            state: step.to,
            by: step.by.clone(),
            comment: step.comment.clone(),
            at_ms: Some(step.at_ms),
            revision: step.revision,
        };
        sqlx::query("update job set review = $1, updated_ms = $2 where job_id = $3")
            .bind(row::to_json(&review))
            .bind(act.now_ms)
            .bind(job_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        sqlx::query("insert into review_step (review_step_id, job_id, step) values ($1, $2, $3)")
            .bind(ReviewStepId::fresh().to_string())
            .bind(job_id.to_string())
            .bind(row::to_json(&step))
            .execute(&mut *change.transaction)
            .await?;
        let details = audit::known([
            ("from", Some(row::to_text(&step.from))),
            ("to", Some(row::to_text(&step.to))),
            ("revision", step.revision.map(|it| it.to_string())),
            ("comment", Some(step.comment).filter(|it| !it.is_empty())),
        ]);
        change.audit(Some(job_id), AuditAction::ReviewChanged, details, act).await?;
        change.tell(EventBody::ReviewUpdate { job_id, review: Box::new(review.clone()) });
        change.commit(act.now_ms).await?;
        Ok(review)
    }

    /// The steps of a job's review, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn review_steps(&self, job_id: JobId) -> Result<Vec<ReviewStep>, StoreError> {
        let rows =
            sqlx::query("select step from review_step where job_id = $1 order by review_step_id")
                .bind(job_id.to_string())
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(|it| row::from_json(it, "step")).collect()
    }

    /// What readers say of a job's masks, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn opinions(&self, job_id: JobId) -> Result<Vec<Opinion>, StoreError> {
        let rows = sqlx::query("select opinion from opinion where job_id = $1 order by opinion_id")
            .bind(job_id.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|it| row::from_json(it, "opinion")).collect()
    }

    /// Records a reader's opinion of a revision.
    ///
    /// # Errors
    /// If the job has no such revision, there is no such job, or the database fails.
    pub async fn add_opinion(
        &self,
        job_id: JobId,
        opinion: &Opinion,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let job = change.job(job_id).await?;
        change.revision_state(job_id, Some(opinion.revision_id)).await?;
        sqlx::query("insert into opinion (opinion_id, job_id, opinion) values ($1, $2, $3)")
            .bind(opinion.opinion_id.to_string())
            .bind(job_id.to_string())
            .bind(row::to_json(opinion))
            .execute(&mut *change.transaction)
            .await?;
        let details = audit::details([("revision", opinion.revision_id.to_string())]);
        change.audit(Some(job_id), AuditAction::OpinionAdded, details, act).await?;
        change.tell(EventBody::JobUpdate { job_id, status: job.state });
        change.commit(act.now_ms).await
    }

    /// Removes a reader's opinion; the revision stays.
    ///
    /// # Errors
    /// If the job has no such opinion, or the database fails.
    pub async fn delete_opinion(
        &self,
        job_id: JobId,
        opinion_id: OpinionId,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let job = change.job(job_id).await?;
        let found = sqlx::query(
            "delete from opinion where job_id = $1 and opinion_id = $2 returning opinion",
        )
        .bind(job_id.to_string())
        .bind(opinion_id.to_string())
        .fetch_optional(&mut *change.transaction)
        .await?
        .ok_or_else(|| StoreError::NotFound { what: "opinion", id: opinion_id.to_string() })?;
        let opinion: Opinion = row::from_json(&found, "opinion")?;
        let details = audit::details([
            ("revision", opinion.revision_id.to_string()),
            ("reader", opinion.reader),
        ]);
        change.audit(Some(job_id), AuditAction::OpinionRemoved, details, act).await?;
        change.tell(EventBody::JobUpdate { job_id, status: job.state });
        change.commit(act.now_ms).await
    }
}
