//! `/api/v1/jobs/{job_id}/…`: what the server does to an object when a person asks for it.

use axum::{Json, extract::State, http::StatusCode};
use protocol::{
    id::JobId,
    job::{Revision, TaskQueued},
    operation::OperationRequest,
    prompt::first_label,
    system::ErrorBody,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    body::{Body, Named},
    error::ApiError,
    interpolate::InterpolateWish,
    person::Person,
    state::Server,
};

/// Grow, shrink, smooth or clean an object, on the whole volume or on one slice.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/operations", tag = "masks",
    params(("job_id" = JobId, Path), Person), request_body = OperationRequest,
    responses(
        (status = 201, body = Revision),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The parent is not the head, the object has no voxels or is locked, or the job is accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_operation(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    person: Person,
    Body(request): Body<OperationRequest>,
) -> Result<(StatusCode, Json<Revision>), ApiError> {
    Ok((StatusCode::CREATED, Json(server.operate(job_id, &request, &person).await?)))
}

/// Between which slices to fill in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InterpolateBody {
    /// The object, 1–255.
    #[serde(default = "first_label")]
    label: u8,
    /// Stored axis of the confirmed slices.
    axis: u8,
    /// Frame of a 4D image to follow.
    #[serde(default)]
    frame: u32,
}

/// Fill in an object between its confirmed slices, along the image: from the first that is marked
/// `mask` or `absent` to the last. Nothing beyond them changes.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/interpolate", tag = "masks",
    params(("job_id" = JobId, Path), Person),
    request_body(content(
        (InterpolateBody = "application/json"),
        (InterpolateBody = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, body = TaskQueued),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Fewer than two slices are confirmed, or the job is busy or accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn interpolate(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    person: Person,
    Body(body): Body<InterpolateBody>,
) -> Result<(StatusCode, Json<TaskQueued>), ApiError> {
    let InterpolateBody { label, axis, frame } = body;
    let task = server.interpolate(job_id, InterpolateWish { label, axis, frame }, &person).await?;
    let queued = TaskQueued { task_id: task.task_id, job_id: Some(job_id), status: task.state };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}
