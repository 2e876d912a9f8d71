//! `/api/v1/jobs/{job_id}/labels` and `/api/v1/label-sets`: the objects of a job, and those kept for
//! other jobs.

use axum::{Json, extract::State, http::StatusCode};
use protocol::{
    id::{JobId, LabelSetId},
    label::{Label, LabelSet, LabelSetRequest},
    system::ErrorBody,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    body::{Body, Named},
    error::ApiError,
    label_rules::{check_labels, check_name},
    person::Person,
    state::Server,
};

/// The objects of a job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelsBody {
    /// The objects.
    labels: Vec<Label>,
    /// The objects as the person saw them before. If they are others by now: 409.
    expected: Option<Vec<Label>>,
}

/// Replace the job's objects: values, names, how they are shown, what they are. The mask stays.
#[utoipa::path(put, path = "/api/v1/jobs/{job_id}/labels", tag = "jobs",
    params(("job_id" = JobId, Path), Person),
    request_body = LabelsBody,
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Changed by somebody else, or the job is accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_labels(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(body): Body<LabelsBody>,
) -> Result<StatusCode, ApiError> {
    check_labels(&body.labels)?;
    let expected = body.expected.as_deref();
    server.store.set_labels(job_id, &body.labels, expected, &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The label sets, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LabelSetList {
    label_sets: Vec<LabelSet>,
}

/// The label sets.
#[utoipa::path(get, path = "/api/v1/label-sets", tag = "jobs",
    responses((status = 200, body = LabelSetList)))]
pub(super) async fn list_label_sets(
    State(server): State<Server>,
) -> Result<Json<LabelSetList>, ApiError> {
    Ok(Json(LabelSetList { label_sets: server.store.label_sets().await? }))
}

/// Keep objects under a name, for other jobs.
#[utoipa::path(post, path = "/api/v1/label-sets", tag = "jobs",
    params(Person), request_body = LabelSetRequest,
    responses(
        (status = 201, body = LabelSet),
        (status = 409, body = ErrorBody, description = "The name is taken"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_label_set(
    State(server): State<Server>,
    person: Person,
    Body(request): Body<LabelSetRequest>,
) -> Result<(StatusCode, Json<LabelSet>), ApiError> {
    let set = checked_set(&server, LabelSetId::fresh(), request)?;
    server.store.add_label_set(&set, &server.act(&person)).await?;
    Ok((StatusCode::CREATED, Json(set)))
}

/// Replace a label set. Jobs that took it before keep what they took.
#[utoipa::path(put, path = "/api/v1/label-sets/{label_set_id}", tag = "jobs",
    params(("label_set_id" = LabelSetId, Path), Person), request_body = LabelSetRequest,
    responses(
        (status = 200, body = LabelSet),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The name is taken"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_label_set(
    State(server): State<Server>,
    person: Person,
    Named(label_set_id): Named<LabelSetId>,
    Body(request): Body<LabelSetRequest>,
) -> Result<Json<LabelSet>, ApiError> {
    let set = checked_set(&server, label_set_id, request)?;
    server.store.change_label_set(&set, &server.act(&person)).await?;
    Ok(Json(set))
}

/// Delete a label set. Jobs that took it keep what they took.
#[utoipa::path(delete, path = "/api/v1/label-sets/{label_set_id}", tag = "jobs",
    params(("label_set_id" = LabelSetId, Path), Person),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(super) async fn delete_label_set(
    State(server): State<Server>,
    person: Person,
    Named(label_set_id): Named<LabelSetId>,
) -> Result<StatusCode, ApiError> {
    server.store.delete_label_set(label_set_id, &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked_set(
    server: &Server,
    label_set_id: LabelSetId,
    request: LabelSetRequest,
) -> Result<LabelSet, ApiError> {
    let name = request.name.trim().to_owned();
    check_name("name", &name)?;
    if name.is_empty() {
        return Err(ApiError::invalid("name", "a label set needs a name"));
    }
    check_labels(&request.labels)?;
    Ok(LabelSet { label_set_id, name, labels: request.labels, updated_ms: server.now_ms() })
}
