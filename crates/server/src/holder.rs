//! What belongs to one caller: a lease to the credential that claimed it, a case and an opinion to
//! who made them.

use protocol::{
    access::Role,
    id::{JobId, OpinionId, TaskId},
    review::ReviewState,
};

use crate::{
    access::{Caller, forbidden},
    error::ApiError,
    queue::Refusal,
    state::Server,
    store::StoreError,
};

impl Server {
    /// Refuses what is said about a task by another credential than the one that claimed it. The
    /// answer is that of a stale fence: it tells nothing about the task.
    pub(crate) async fn check_holder(
        &self,
        task_id: TaskId,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        let holder = self.store.holder(task_id).await?;
        if holder.is_none_or(|it| it == caller.holder()) {
            return Ok(());
        }
        Err(StoreError::Refused(Refusal::StaleFence).into())
    }

    /// Refuses to let somebody delete a case that somebody else opened, unless they review.
    pub(crate) async fn check_may_delete(
        &self,
        job_id: JobId,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        if caller.check(Role::Reviewer).is_ok() {
            return Ok(());
        }
        let name = caller.name().unwrap_or_default();
        if self.store.has_opened(job_id, name).await? {
            return Ok(());
        }
        self.store.job_row(job_id).await?;
        Err(forbidden("somebody else opened this case: a reviewer or an admin can delete it"))
    }

    /// Refuses to let somebody delete a request that somebody else made, unless they review.
    pub(crate) async fn check_may_delete_request(
        &self,
        request_id: TaskId,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        let made_by = self.store.request(request_id).await?.request.summary.by;
        if caller.check(Role::Reviewer).is_ok() || caller.name() == Some(made_by.as_str()) {
            return Ok(());
        }
        Err(forbidden("somebody else made this request: a reviewer or an admin can delete it"))
    }

    /// Refuses to let somebody remove another reader's opinion, unless they review.
    pub(crate) async fn check_may_remove(
        &self,
        job_id: JobId,
        opinion_id: OpinionId,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        if caller.check(Role::Reviewer).is_ok() {
            return Ok(());
        }
        let opinions = self.store.opinions(job_id).await?;
        let found = opinions.into_iter().find(|it| it.opinion_id == opinion_id);
        match found {
            Some(it) if caller.name() != Some(it.reader.as_str()) => {
                Err(forbidden("this is another reader's opinion: a reviewer can remove it"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Who may take a step of a review: whoever edits hands over and takes back, a reviewer decides.
#[must_use]
pub(crate) fn reviewing_role(from: ReviewState, to: ReviewState) -> Role {
    let decides = matches!(to, ReviewState::Accepted | ReviewState::Rejected);
    if decides || from == ReviewState::Accepted { Role::Reviewer } else { Role::Annotator }
}
