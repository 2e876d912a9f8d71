//! The agents' protocol: claim, heartbeat, complete, fail.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::{
    access::Role,
    id::TaskId,
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
    system::ErrorBody,
    task::Task,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    access::{Caller, refused, unauthenticated},
    body::{Body, Named},
    error::ApiError,
    state::Server,
};

/// The fence of the agent's lease.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FenceQuery {
    /// From the lease.
    pub(super) fence: i64,
}

/// Ask for work; held for up to `wait_secs` until there is some.
#[utoipa::path(post, path = "/api/v1/claims", tag = "agents", request_body = ClaimRequest,
    responses(
        (status = 200, body = Lease),
        (status = 204, description = "No work in that time"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn claim(
    State(server): State<Server>,
    caller: Caller,
    Body(request): Body<ClaimRequest>,
) -> Result<Response, ApiError> {
    let holder = caller.holder();
    let question = server.question(&request);
    let claimed = tokio::select! {
        claimed = server.claim(&request, &holder) => claimed,
        // One that was revoked while it waited gets nothing more, and is gone.
        () = server.shut_out(&caller, Role::Agent) => {
            return Ok(refused(unauthenticated("this credential was revoked")));
        }
    };
    question.answered();
    Ok(match claimed? {
        Some(lease) => Json(lease).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Say that the task goes on; held for up to `wait_ms` unless the task is withdrawn.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/heartbeat", tag = "agents",
    params(("task_id" = TaskId, Path)), request_body = Heartbeat,
    responses(
        (status = 200, body = HeartbeatReply),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The fence is stale: stop"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn heartbeat(
    State(server): State<Server>,
    caller: Caller,
    Named(task_id): Named<TaskId>,
    Body(heartbeat): Body<Heartbeat>,
) -> Result<Json<HeartbeatReply>, ApiError> {
    server.check_holder(task_id, &caller).await?;
    Ok(Json(server.heartbeat(task_id, heartbeat).await?))
}

/// The task is done. Repeated, it gets the same answer.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/complete", tag = "agents",
    params(("task_id" = TaskId, Path)), request_body = CompleteRequest,
    responses(
        (status = 200, body = Task),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The fence is stale"),
        (status = 422, body = ErrorBody, description = "The output does not fit the task"),
    ))]
pub(super) async fn complete(
    State(server): State<Server>,
    caller: Caller,
    Named(task_id): Named<TaskId>,
    Body(request): Body<CompleteRequest>,
) -> Result<Json<Task>, ApiError> {
    server.check_holder(task_id, &caller).await?;
    Ok(Json(server.complete(task_id, &request).await?))
}

/// The attempt ended without output.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/fail", tag = "agents",
    params(("task_id" = TaskId, Path)), request_body = FailRequest,
    responses(
        (status = 200, body = Task),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The fence is stale"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn fail(
    State(server): State<Server>,
    caller: Caller,
    Named(task_id): Named<TaskId>,
    Body(request): Body<FailRequest>,
) -> Result<Json<Task>, ApiError> {
    server.check_holder(task_id, &caller).await?;
    Ok(Json(server.fail(task_id, request).await?))
}
