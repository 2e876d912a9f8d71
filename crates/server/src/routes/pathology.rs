//! `/api/pathology`: the pull API that agents of the older kind were written for.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{id::TaskId, system::ErrorBody, task::TaskState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    body::{Asked, Body, Named},
    error::ApiError,
    pathology::{OldAgent, status},
    person::Person,
    state::Server,
    store::RequestRecord,
};

/// Longest time an answer is held.
const MAX_WAIT_SECS: u32 = 300;

/// Asks for the analysis of a slide.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct AnalyzeBody {
    /// The slide's name: opaque to the server, which opens no such file.
    slide: String,
    /// The model to run, as the agents know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Whatever else the agents are to know.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    others: Map<String, Value>,
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AnalyzeQuery {
    /// Hold the answer for up to so many seconds; 0 answers at once.
    #[serde(default = "longest")]
    #[param(maximum = 300, default = 300)]
    wait: u32,
}

fn longest() -> u32 {
    MAX_WAIT_SECS
}

/// Ask for the analysis of a slide, and wait for it. What takes longer goes on: its address says how
/// it stands.
#[utoipa::path(post, path = "/api/pathology/analyze/", tag = "pathology",
    params(AnalyzeQuery, Person), request_body = AnalyzeBody,
    responses(
        (status = 200, body = Value, description = "It has ended: `success`, `request_id`, `status` and `result` or `error`"),
        (status = 202, body = Value, description = "It goes on: `success`, `request_id`, `status` and `url`"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn analyze(
    State(server): State<Server>,
    person: Person,
    Asked(query): Asked<AnalyzeQuery>,
    Body(body): Body<AnalyzeBody>,
) -> Result<Response, ApiError> {
    if query.wait > MAX_WAIT_SECS {
        let message = format!("wait must be 0–{MAX_WAIT_SECS}, got {}", query.wait);
        return Err(ApiError::invalid("wait", message));
    }
    let slide = body.slide.clone();
    let Value::Object(arguments) = json!(body) else { return Err(ApiError::not_found("no body")) };
    let request_id = server.analyze(&slide, arguments, &person).await?;
    let wait = Duration::from_secs(query.wait.into());
    let record = server.analysis(request_id, wait).await?;
    Ok(outcome(&record))
}

/// How an analysis stands: 200 once it has ended, 202 before.
fn outcome(record: &RequestRecord) -> Response {
    let summary = &record.request.summary;
    let mut answer = json!({
        "success": true,
        "request_id": summary.request_id,
        "status": status(summary.status),
    });
    if let Some(output) = &record.request.output {
        answer["result"] = output.result.clone();
        return Json(answer).into_response();
    }
    if summary.status.is_final() {
        answer["success"] = false.into();
        answer["error"] = record.error().into();
        return Json(answer).into_response();
    }
    let url = format!("/api/pathology/requests/{}/", summary.request_id);
    answer["url"] = url.clone().into();
    (StatusCode::ACCEPTED, [(header::LOCATION, url)], Json(answer)).into_response()
}

/// A list in the form of the older API.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalysisList {
    success: bool,
    count: usize,
    /// Each with `id`, `status`, `slide`, `created_at` and what else is known.
    #[schema(value_type = Vec<Value>)]
    requests: Vec<Value>,
}

impl AnalysisList {
    fn of(records: &[RequestRecord]) -> Json<Self> {
        let requests: Vec<_> = records.iter().map(RequestRecord::as_analysis).collect();
        Json(Self { success: true, count: requests.len(), requests })
    }
}

/// The requests that an agent may take, the oldest first.
#[utoipa::path(get, path = "/api/pathology/pending-requests/", tag = "agents",
    responses((status = 200, body = AnalysisList)))]
pub(super) async fn pending(
    State(server): State<Server>,
    agent: OldAgent,
) -> Result<Json<AnalysisList>, ApiError> {
    Ok(AnalysisList::of(&server.pending_analyses(&agent).await?))
}

/// The newest requests, newest first.
#[utoipa::path(get, path = "/api/pathology/requests/", tag = "pathology",
    responses((status = 200, body = AnalysisList)))]
pub(super) async fn list(State(server): State<Server>) -> Result<Json<AnalysisList>, ApiError> {
    Ok(AnalysisList::of(&server.analyses().await?))
}

/// One request.
#[utoipa::path(get, path = "/api/pathology/requests/{request_id}/", tag = "pathology",
    params(("request_id" = TaskId, Path)),
    responses((status = 200, body = Value), (status = 404, body = ErrorBody)))]
pub(super) async fn get(
    State(server): State<Server>,
    Named(request_id): Named<TaskId>,
) -> Result<Json<Value>, ApiError> {
    let record = server.analysis(request_id, Duration::ZERO).await?;
    let mut shown = record.as_analysis();
    shown["success"] = true.into();
    Ok(Json(shown))
}

/// An agent takes a request.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct StatusBody {
    /// `processing`.
    status: TakenStatus,
    /// Of the answer to the first call: says that the same agent calls again. Needed where agents
    /// that look the same, having no credentials of their own, were shown the request too.
    #[serde(default)]
    fence: Option<i64>,
}

/// What an agent may say of a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TakenStatus {
    /// It works on it.
    Processing,
}

/// Take a request; later calls say that the agent still works on it.
#[utoipa::path(post, path = "/api/pathology/update-status/{request_id}/", tag = "agents",
    params(("request_id" = TaskId, Path)), request_body = StatusBody,
    responses(
        (status = 200, body = Value, description = "It is the agent's: `success`, `request_id`, `status`, `fence`"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another agent has it, or it has ended: leave it"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn update_status(
    State(server): State<Server>,
    Named(request_id): Named<TaskId>,
    agent: OldAgent,
    Body(StatusBody { status: TakenStatus::Processing, fence }): Body<StatusBody>,
) -> Result<Json<Value>, ApiError> {
    let fence = server.take_analysis(request_id, &agent, fence).await?;
    let status = status(TaskState::Leased);
    let answer =
        json!({ "success": true, "request_id": request_id, "status": status, "fence": fence });
    Ok(Json(answer))
}

/// An agent ends a request.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct EndBody {
    /// Whether there is a result.
    success: bool,
    /// The result: any JSON.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    result: Option<Value>,
    /// Why there is none.
    #[serde(default)]
    error: Option<String>,
    /// Of the answer to `update-status`: what was handed on to another agent since is not ended.
    #[serde(default)]
    fence: Option<i64>,
}

/// End a request with its result, or with the reason why there is none. Repeated, it gets the same
/// answer.
#[utoipa::path(post, path = "/api/pathology/complete-request/{request_id}/", tag = "agents",
    operation_id = "complete_request",
    params(("request_id" = TaskId, Path)), request_body = EndBody,
    responses(
        (status = 200, body = Value, description = "`success`, `request_id`, `status`"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another agent has it, or it ended otherwise"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn complete(
    State(server): State<Server>,
    Named(request_id): Named<TaskId>,
    agent: OldAgent,
    Body(body): Body<EndBody>,
) -> Result<Json<Value>, ApiError> {
    let outcome = match (body.success, body.result) {
        (true, Some(result)) => Ok(result),
        (true, None) => {
            return Err(ApiError::invalid("result", "a request that succeeded has a result"));
        }
        (false, _) => Err(body.error.unwrap_or_else(|| "the agent gave no reason".to_owned())),
    };
    let state = server.end_analysis(request_id, &agent, body.fence, outcome).await?;
    Ok(Json(json!({ "success": true, "request_id": request_id, "status": status(state) })))
}
