//! `/api/v1/jobs/{job_id}/…`: the review of a mask, second readers, and how two masks agree.

use axum::{Json, extract::State, http::StatusCode};
use protocol::{
    id::{JobId, OpinionId, RevisionId},
    review::{Comparison, Opinion, OpinionRequest, Review, ReviewRequest, ReviewStep},
    system::ErrorBody,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::Caller,
    body::{Asked, Body, Named},
    error::ApiError,
    holder::reviewing_role,
    person::Person,
    state::Server,
};

/// Take a step of the review: hand a draft over, accept or reject it, take it back, reopen it.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/review", tag = "review",
    params(("job_id" = JobId, Path), Person), request_body = ReviewRequest,
    responses(
        (status = 200, body = Review),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The review or the mask moved on, or there is no mask"),
        (status = 422, body = ErrorBody, description = "No such step, or a rejection without a comment"),
    ))]
pub(super) async fn post_review(
    State(server): State<Server>,
    caller: Caller,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(request): Body<ReviewRequest>,
) -> Result<Json<Review>, ApiError> {
    caller.check(reviewing_role(request.from, request.to))?;
    Ok(Json(server.review(job_id, request, &person).await?))
}

/// The steps of a review, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewStepList {
    steps: Vec<ReviewStep>,
}

/// The steps that the review has taken.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/reviews", tag = "review",
    params(("job_id" = JobId, Path)),
    responses((status = 200, body = ReviewStepList), (status = 404, body = ErrorBody)))]
pub(super) async fn list_reviews(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
) -> Result<Json<ReviewStepList>, ApiError> {
    server.store.job_row(job_id).await?;
    Ok(Json(ReviewStepList { steps: server.store.review_steps(job_id).await? }))
}

/// Record a reader's opinion: a revision of their own, or a word about one.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/opinions", tag = "review",
    params(("job_id" = JobId, Path), Person), request_body = OpinionRequest,
    responses(
        (status = 201, body = Opinion),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_opinion(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(request): Body<OpinionRequest>,
) -> Result<(StatusCode, Json<Opinion>), ApiError> {
    let opinion = server.add_opinion(job_id, &request, &person).await?;
    Ok((StatusCode::CREATED, Json(opinion)))
}

/// Remove a reader's opinion. The revision stays.
#[utoipa::path(delete, path = "/api/v1/jobs/{job_id}/opinions/{opinion_id}", tag = "review",
    params(("job_id" = JobId, Path), ("opinion_id" = OpinionId, Path), Person),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(super) async fn delete_opinion(
    State(server): State<Server>,
    caller: Caller,
    person: Person,
    Named((job_id, opinion_id)): Named<(JobId, OpinionId)>,
) -> Result<StatusCode, ApiError> {
    server.check_may_remove(job_id, opinion_id, &caller).await?;
    server.store.delete_opinion(job_id, opinion_id, &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which masks to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CompareQuery {
    /// A revision of the job.
    a: RevisionId,
    /// Another one.
    b: RevisionId,
}

/// How two revisions agree: volumes and Dice similarity, object by object.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/compare", tag = "review",
    params(("job_id" = JobId, Path), CompareQuery),
    responses(
        (status = 200, body = Comparison),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn compare(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<CompareQuery>,
) -> Result<Json<Comparison>, ApiError> {
    Ok(Json(server.compare(job_id, query.a, query.b).await?))
}
