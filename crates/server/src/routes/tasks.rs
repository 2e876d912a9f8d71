//! `/api/v1/tasks`: what is queued, running and done.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    id::{JobId, TaskId},
    job::TaskQueued,
    system::ErrorBody,
    task::{Task, TaskState},
    task_log::{TaskCounts, TaskLogLine, TaskRates},
    waiting::WaitReason,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use volume::rle;

use crate::{
    blobs,
    body::{Asked, Body, Named},
    error::ApiError,
    person::Person,
    queue::order::Side,
    state::Server,
    store::TaskFilter,
};

/// Most tasks in one answer.
const MAX_TASKS: u32 = 500;

/// Most hours that rates look back: a year.
const MAX_HOURS: u32 = 366 * 24;

/// Most buckets in one answer.
const MAX_BUCKETS: u32 = 500;

/// Priorities reach this far from 0.
const MAX_PRIORITY: i32 = 1_000_000;

/// The newest tasks, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskList {
    tasks: Vec<Task>,
    /// All tasks, of the job where one is named, by state.
    counts: TaskCounts,
    /// Why each of these that waits does so.
    waiting: BTreeMap<TaskId, Vec<WaitReason>>,
}

/// Which tasks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Only those of this job.
    job_id: Option<JobId>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<TaskState>,
    /// Only those queued before this one: the last of the list before.
    before: Option<TaskId>,
    /// How many at most.
    #[serde(default = "most_tasks")]
    #[param(minimum = 1, maximum = 500, default = 500)]
    limit: u32,
}

fn most_tasks() -> u32 {
    MAX_TASKS
}

/// A number of the query within its bounds.
fn check_within(field: &str, value: u32, most: u32) -> Result<(), ApiError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(ApiError::invalid(field, format!("{field} must be 1–{most}, got {value}")))
}

/// The newest tasks.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, body = TaskList), (status = 422, body = ErrorBody)))]
pub(super) async fn list_tasks(
    State(server): State<Server>,
    Asked(query): Asked<TaskQuery>,
) -> Result<Json<TaskList>, ApiError> {
    check_within("limit", query.limit, MAX_TASKS)?;
    let filter = TaskFilter { job_id: query.job_id, state: query.state, before: query.before };
    let tasks = server.store.tasks(&filter, query.limit.into()).await?;
    let counts = server.store.count_tasks(query.job_id).await?;
    let waiting = server.why_waiting(&tasks).await?;
    Ok(Json(TaskList { tasks, counts, waiting }))
}

/// Which rates to count.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RatesQuery {
    /// How far to look back.
    #[serde(default = "a_day")]
    #[param(minimum = 1, maximum = 8784, default = 24)]
    hours: u32,
    /// Into how many parts to cut that time.
    #[serde(default = "half_hours")]
    #[param(minimum = 1, maximum = 500, default = 48)]
    buckets: u32,
}

fn a_day() -> u32 {
    24
}

fn half_hours() -> u32 {
    48
}

/// How many tasks ended, and how long they waited and ran.
#[utoipa::path(get, path = "/api/v1/tasks/rates", tag = "tasks", params(RatesQuery),
    responses((status = 200, body = TaskRates), (status = 422, body = ErrorBody)))]
pub(super) async fn task_rates(
    State(server): State<Server>,
    Asked(query): Asked<RatesQuery>,
) -> Result<Json<TaskRates>, ApiError> {
    check_within("hours", query.hours, MAX_HOURS)?;
    check_within("buckets", query.buckets, MAX_BUCKETS)?;
    Ok(Json(server.task_rates(query.hours, query.buckets).await?))
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

/// Why a task waits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Waiting {
    /// Nothing where it does not wait.
    reasons: Vec<WaitReason>,
}

/// Why a task waits: what stands between it and an agent.
#[utoipa::path(get, path = "/api/v1/tasks/{task_id}/waiting", tag = "tasks",
    params(("task_id" = TaskId, Path)),
    responses((status = 200, body = Waiting), (status = 404, body = ErrorBody)))]
pub(super) async fn task_waiting(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
) -> Result<Json<Waiting>, ApiError> {
    let task = server.store.task(task_id).await?.task;
    let mut reasons = server.why_waiting(&[task]).await?;
    Ok(Json(Waiting { reasons: reasons.remove(&task_id).unwrap_or_default() }))
}

/// Withdraw a task. One that an agent works on stops at the agent's next breath.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/cancel", tag = "tasks",
    params(("task_id" = TaskId, Path), Person),
    responses(
        (status = 202, body = Task),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It has already ended"),
    ))]
pub(super) async fn cancel_task(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
    person: Person,
) -> Result<(StatusCode, Json<Task>), ApiError> {
    let record = server.store.cancel(task_id, &server.act(&person)).await?;
    Ok((StatusCode::ACCEPTED, Json(record.task)))
}

/// Ask for the same again: a new task with the prompts, the engine and the range of one that failed
/// or was withdrawn, on the mask as it is now.
#[utoipa::path(post, path = "/api/v1/tasks/{task_id}/retry", tag = "tasks",
    params(("task_id" = TaskId, Path), Person),
    responses(
        (status = 202, body = TaskQueued),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It has not ended, was done, or the job is busy"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn retry_task(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
    person: Person,
) -> Result<(StatusCode, Json<TaskQueued>), ApiError> {
    let task = server.retry(task_id, &person).await?;
    let queued = TaskQueued { task_id: task.task_id, job_id: task.job_id, status: task.state };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// A place in the queue: one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriorityBody {
    /// Higher goes first; a slice is queued with 10, a propagation with 0. Above 0 a task goes with
    /// those that people wait for, below 0 after them, whatever its class.
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i32>,
    /// The priority that lets it go before this waiting task.
    before: Option<TaskId>,
    /// The priority that lets it go after this waiting task.
    after: Option<TaskId>,
}

/// Let a waiting task go earlier or later.
#[utoipa::path(put, path = "/api/v1/tasks/{task_id}/priority", tag = "tasks",
    params(("task_id" = TaskId, Path), Person), request_body = PriorityBody,
    responses(
        (status = 200, body = Task),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It does not wait any more"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_priority(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
    person: Person,
    Body(body): Body<PriorityBody>,
) -> Result<Json<Task>, ApiError> {
    let priority = match body {
        PriorityBody { priority: Some(it), before: None, after: None } => it,
        PriorityBody { priority: None, before: Some(other), after: None } => {
            server.moved_priority(task_id, Side::Before, other).await?
        }
        PriorityBody { priority: None, before: None, after: Some(other) } => {
            server.moved_priority(task_id, Side::After, other).await?
        }
        PriorityBody { .. } => {
            return Err(ApiError::invalid(
                "priority",
                "expected one of priority, before and after",
            ));
        }
    };
    if !(-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) {
        let message = format!("priority must be −{MAX_PRIORITY} to {MAX_PRIORITY}, got {priority}");
        return Err(ApiError::invalid("priority", message));
    }
    let record = server.store.prioritise(task_id, priority, &server.act(&person)).await?;
    Ok(Json(record.task))
}

/// What happened to a task, oldest line first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskLog {
    lines: Vec<TaskLogLine>,
}

/// What happened to a task: every change of its state, every stage, every failure.
#[utoipa::path(get, path = "/api/v1/tasks/{task_id}/log", tag = "tasks",
    params(("task_id" = TaskId, Path)),
    responses((status = 200, body = TaskLog), (status = 404, body = ErrorBody)))]
pub(super) async fn task_log(
    State(server): State<Server>,
    Named(task_id): Named<TaskId>,
) -> Result<Json<TaskLog>, ApiError> {
    Ok(Json(TaskLog { lines: server.store.task_log(task_id).await? }))
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
