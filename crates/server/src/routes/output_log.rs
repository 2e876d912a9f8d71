//! What a task's program says: agents send it piece by piece, people read it.

use axum::{Json, extract::State};
use protocol::{
    id::TaskId,
    output_log::{LogReply, LogRequest, OutputLog},
    system::ErrorBody,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    access::Caller,
    body::{Asked, Body, Named},
    error::ApiError,
    state::Server,
};

/// Send a piece of what the task's program says. Sent twice it is kept once; `offset` in the answer
/// says from where to go on. 16 MiB of an attempt are kept.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/log", tag = "agents",
    params(("task_id" = TaskId, Path)), request_body = LogRequest,
    responses(
        (status = 200, body = LogReply),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The fence is stale: stop"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn append_log(
    State(server): State<Server>,
    caller: Caller,
    Named(task_id): Named<TaskId>,
    Body(request): Body<LogRequest>,
) -> Result<Json<LogReply>, ApiError> {
    server.check_holder(task_id, &caller).await?;
    Ok(Json(server.append_log(task_id, &request).await?))
}

/// Which part to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OutputQuery {
    /// Which attempt; the newest one that said something where none is named.
    attempt: Option<u32>,
    /// From which byte on; a negative number counts from the end.
    #[serde(default)]
    offset: i64,
}

/// What the task's program said, up to 256 KiB in one answer: `next_offset` says where the rest
/// begins. Each addition is a `log_update` event.
#[utoipa::path(get, path = "/api/v1/tasks/{task_id}/output", tag = "tasks",
    params(("task_id" = TaskId, Path), OutputQuery),
    responses(
        (status = 200, body = OutputLog),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn output_log(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
    Asked(query): Asked<OutputQuery>,
) -> Result<Json<OutputLog>, ApiError> {
    Ok(Json(server.output_log(task_id, query.attempt, query.offset).await?))
}
