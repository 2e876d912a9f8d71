//! `/api/v1/tasks`: what is queued, running and done.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    id::{JobId, TaskId},
    system::ErrorBody,
    task::Task,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use volume::rle;

use crate::{
    blobs,
    body::{Asked, Named},
    error::ApiError,
    state::Server,
};

/// Most tasks in one answer.
const MAX_TASKS: i64 = 500;

/// The newest tasks, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskList {
    tasks: Vec<Task>,
}

/// Which tasks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Only those of this job.
    job_id: Option<JobId>,
}

/// The newest tasks.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, body = TaskList), (status = 422, body = ErrorBody)))]
pub(super) async fn list_tasks(
    State(server): State<Server>,
    Asked(query): Asked<TaskQuery>,
) -> Result<Json<TaskList>, ApiError> {
    Ok(Json(TaskList { tasks: server.store.tasks(query.job_id, MAX_TASKS).await? }))
}

/// One task.
#[utoipa::path(get, path = "/api/v1/tasks/{task_id}", tag = "tasks",
    params(("task_id" = TaskId, Path)),
    responses((status = 200, body = Task), (status = 404, body = ErrorBody)))]
pub(super) async fn get_task(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
) -> Result<Json<Task>, ApiError> {
    Ok(Json(server.store.task(task_id).await?.task))
}

/// Withdraw a task. One that an agent works on stops at the agent's next breath.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/cancel", tag = "tasks",
    params(("task_id" = TaskId, Path)),
    responses(
        (status = 202, body = Task),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It has already ended"),
    ))]
pub(super) async fn cancel_task(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
) -> Result<(StatusCode, Json<Task>), ApiError> {
    let record = server.store.cancel(task_id, server.now_ms()).await?;
    Ok((StatusCode::ACCEPTED, Json(record.task)))
}

/// The mask of a running task so far.
#[utoipa::path(get, path = "/api/v1/tasks/{task_id}/partial", tag = "tasks",
    params(("task_id" = TaskId, Path)),
    responses(
        (status = 200, content_type = "application/x-voxloop-rle"),
        (status = 204, description = "There is none yet, or the task has ended"),
        (status = 404, body = ErrorBody),
    ))]
pub(super) async fn partial_mask(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
) -> Result<Response, ApiError> {
    let Some(sha256) = server.store.task(task_id).await?.partial else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let bytes = blobs::read(&*server.blobs, &sha256).await?;
    Ok(([(header::CONTENT_TYPE, rle::MEDIA_TYPE)], bytes).into_response())
}
