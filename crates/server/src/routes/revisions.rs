//! `/api/v1/jobs/{job_id}/…`: what is marked on slices, and the history of the mask.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::{
    id::JobId,
    job::{HeadRequest, Job, Revision, RevisionRequest},
    prompt::{SlicePrompt, SliceRef, first_label},
    system::ErrorBody,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    body::{Asked, Body, Named},
    error::ApiError,
    person::Person,
    prompt_merge::says_nothing,
    prompts::{check_label, check_prompt},
    state::Server,
};

/// A prompt, and what it was changed from.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PromptChange {
    #[serde(flatten)]
    prompt: SlicePrompt,
    /// The prompt that the person saw and changed, with nothing but slice and label where there was
    /// none. With it, what others marked on the slice meanwhile stays; without it, the prompt takes
    /// the place of whatever is there.
    #[serde(default)]
    before: Option<SlicePrompt>,
}

/// Store what is marked on a slice without running an engine: points for the next propagation, a
/// confirmed mask, or the absence of the object.
#[utoipa::path(put, path = "/api/v1/jobs/{job_id}/prompts", tag = "masks",
    params(("job_id" = JobId, Path), Person), request_body = PromptChange,
    responses(
        (status = 200, body = SlicePrompt, description = "With `before`: what is marked there now"),
        (status = 204, description = "Without `before`"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The job is accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_prompt(
    State(server): State<Server>,
    _person: Person,
    Named(job_id): Named<JobId>,
    Body(PromptChange { prompt, before }): Body<PromptChange>,
) -> Result<Response, ApiError> {
    let image = server.store.job_row(job_id).await?.summary.image;
    let Some(before) = before else {
        check_prompt(&image, &prompt)?;
        server.store.put_prompt(job_id, &prompt, server.now_ms()).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if (before.slice, before.label) != (prompt.slice, prompt.label) {
        let message = "before must be of the same slice and label as the prompt";
        return Err(ApiError::invalid("before", message));
    }
    if !says_nothing(&prompt) || says_nothing(&before) {
        check_prompt(&image, &prompt)?;
    }
    let now = server.store.merge_prompt(job_id, &before, &prompt, server.now_ms()).await?;
    Ok(Json(now).into_response())
}

/// Whose prompt to remove.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PromptQuery {
    /// Stored axis.
    axis: u8,
    /// The slice.
    slice_index: u32,
    /// The object.
    #[serde(default = "first_label")]
    label: u8,
}

/// Remove what is marked for an object on a slice. Its mask stays.
#[utoipa::path(delete, path = "/api/v1/jobs/{job_id}/prompts", tag = "masks",
    params(("job_id" = JobId, Path), PromptQuery, Person),
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The job is accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn delete_prompt(
    State(server): State<Server>,
    _person: Person,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<PromptQuery>,
) -> Result<StatusCode, ApiError> {
    check_label(query.label)?;
    let slice = SliceRef { axis: query.axis, slice_index: query.slice_index };
    server.store.delete_prompt(job_id, query.label, slice, server.now_ms()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All states of the job's mask, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevisionList {
    revisions: Vec<Revision>,
}

/// The history of the job's mask.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/revisions", tag = "masks",
    params(("job_id" = JobId, Path)),
    responses((status = 200, body = RevisionList), (status = 404, body = ErrorBody)))]
pub(super) async fn list_revisions(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
) -> Result<Json<RevisionList>, ApiError> {
    server.store.job_row(job_id).await?;
    Ok(Json(RevisionList { revisions: server.store.revisions(job_id).await? }))
}

/// Post an edited mask: the changed box of voxels, and the revision it was made from.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/revisions", tag = "masks",
    params(("job_id" = JobId, Path), Person), request_body = RevisionRequest,
    responses(
        (status = 201, body = Revision),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody,
            description = "The parent is not the head, an object is locked, or the job is accepted"),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_revision(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(request): Body<RevisionRequest>,
) -> Result<(StatusCode, Json<Revision>), ApiError> {
    Ok((StatusCode::CREATED, Json(server.revise(job_id, &request, &person).await?)))
}

/// Show another state of the mask: undo, redo, or a jump to any revision of the job. The prompts
/// come back with it. Nothing is deleted.
#[utoipa::path(put, path = "/api/v1/jobs/{job_id}/head", tag = "masks",
    params(("job_id" = JobId, Path), Person), request_body = HeadRequest,
    responses(
        (status = 200, body = Job),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`expected` is not the head, or the job is accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_head(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(request): Body<HeadRequest>,
) -> Result<Json<Job>, ApiError> {
    server.store.move_head(job_id, request, &server.act(&person)).await?;
    Ok(Json(server.store.job(job_id).await?))
}
