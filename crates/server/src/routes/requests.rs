//! `/api/v1/requests`: a laboratory's own programs are asked for, waited for, and their files are
//! taken away.

use std::time::Duration;

use axum::{
    Json,
    body::Body as Bytes,
    extract::{Request as HttpRequest, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    external::{ExternalOutput, NewRequest, ProgramStatus, Request, RequestSummary, UploadedFile},
    id::{Sha256, TaskId},
    system::ErrorBody,
    task::TaskState,
};
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use super::jobs::attachment;
use crate::{
    access::Caller,
    body::{Asked, Body, Named},
    error::ApiError,
    incoming,
    person::Person,
    state::Server,
    store::RequestFilter,
};

/// Most requests in one answer.
const MAX_REQUESTS: u32 = 500;

/// Longest time an answer is held: proxies cut connections that are silent for a minute.
const MAX_WAIT_SECS: u32 = 50;

/// Ask for a run of a laboratory's own program; an agent that offers it runs it.
#[utoipa::path(post, path = "/api/v1/requests", tag = "requests", params(Person),
    request_body = NewRequest,
    responses(
        (status = 202, body = Request, headers(("location" = String, description = "Its address"))),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_request(
    State(server): State<Server>,
    person: Person,
    Body(new): Body<NewRequest>,
) -> Result<Response, ApiError> {
    let task = server.make_request(new, None, &person).await?;
    let request = server.store.request(task.task_id).await?.request;
    let location = format!("/api/v1/requests/{}", task.task_id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(request)).into_response())
}

/// The newest requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestList {
    requests: Vec<RequestSummary>,
}

/// Which requests to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RequestQuery {
    /// Only those for this program.
    program: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<TaskState>,
    /// Only those made before this one: the last of the list before.
    before: Option<TaskId>,
    /// How many at most.
    #[serde(default = "a_page")]
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

fn a_page() -> u32 {
    100
}

/// The newest requests.
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests", params(RequestQuery),
    responses((status = 200, body = RequestList), (status = 422, body = ErrorBody)))]
pub(super) async fn list_requests(
    State(server): State<Server>,
    Asked(query): Asked<RequestQuery>,
) -> Result<Json<RequestList>, ApiError> {
    if !(1..=MAX_REQUESTS).contains(&query.limit) {
        let message = format!("limit must be 1–{MAX_REQUESTS}, got {}", query.limit);
        return Err(ApiError::invalid("limit", message));
    }
    let filter = RequestFilter {
        program: query.program,
        state: query.state,
        before: query.before,
        has_slide: false,
    };
    let requests = server.store.requests(&filter, query.limit.into()).await?;
    let requests = requests.into_iter().map(|it| it.request.summary).collect();
    Ok(Json(RequestList { requests }))
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitQuery {
    /// Hold the answer for up to so many seconds, until the request has ended.
    #[serde(default)]
    #[param(maximum = 50, default = 0)]
    wait_secs: u32,
}

impl WaitQuery {
    fn wait(&self) -> Result<Duration, ApiError> {
        if self.wait_secs <= MAX_WAIT_SECS {
            return Ok(Duration::from_secs(self.wait_secs.into()));
        }
        let message = format!("wait_secs must be 0–{MAX_WAIT_SECS}, got {}", self.wait_secs);
        Err(ApiError::invalid("wait_secs", message))
    }
}

/// A request with what came of it; held until it has ended, where `wait_secs` says so.
#[utoipa::path(get, path = "/api/v1/requests/{request_id}", tag = "requests",
    params(("request_id" = TaskId, Path), WaitQuery),
    responses(
        (status = 200, body = Request),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn get_request(
    State(server): State<Server>,
    Named(request_id): Named<TaskId>,
    Asked(query): Asked<WaitQuery>,
) -> Result<Json<Request>, ApiError> {
    Ok(Json(server.await_request(request_id, query.wait()?).await?.request))
}

/// What the program made, and nothing else; held until it has ended, where `wait_secs` says so.
#[utoipa::path(get, path = "/api/v1/requests/{request_id}/result", tag = "requests",
    params(("request_id" = TaskId, Path), WaitQuery),
    responses(
        (status = 200, body = ExternalOutput),
        (status = 202, body = Request, description = "It has not ended"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It failed or was withdrawn"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn request_result(
    State(server): State<Server>,
    Named(request_id): Named<TaskId>,
    Asked(query): Asked<WaitQuery>,
) -> Result<Response, ApiError> {
    let request = server.await_request(request_id, query.wait()?).await?.request;
    match (request.summary.status, &request.output) {
        (TaskState::Succeeded, Some(output)) => Ok(Json(output).into_response()),
        (TaskState::Queued | TaskState::Leased, _) => {
            Ok((StatusCode::ACCEPTED, Json(request)).into_response())
        }
        (TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled, _) => {
            let failure = request.summary.failure.map(|it| it.message);
            let why = failure.unwrap_or_else(|| "it was withdrawn".to_owned());
            Err(ApiError::wrong_state(format!("the request has no result: {why}")))
        }
    }
}

/// A file that the program wrote.
#[utoipa::path(get, path = "/api/v1/requests/{request_id}/files/{name}", tag = "requests",
    params(
        ("request_id" = TaskId, Path),
        ("name" = String, Path, description = "As the result names it, with `/` as `%2F`"),
    ),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody),
    ))]
pub(super) async fn request_file(
    State(server): State<Server>,
    Named((request_id, name)): Named<(TaskId, String)>,
) -> Result<Response, ApiError> {
    let (file, path) = server.request_file(request_id, &name).await?;
    let opened = tokio::fs::File::open(path).await.map_err(|it| ApiError::internal(&it))?;
    let last = file.name.rsplit('/').next().unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CONTENT_LENGTH, file.size.to_string()),
        // Always saved, never shown: a program may write pages with scripts.
        (header::CONTENT_DISPOSITION, attachment(last)),
        (header::ETAG, format!("\"{}\"", file.sha256)),
    ];
    Ok((headers, Bytes::from_stream(ReaderStream::new(opened))).into_response())
}

/// Delete a request with its files. One that runs is stopped.
#[utoipa::path(delete, path = "/api/v1/requests/{request_id}", tag = "requests",
    params(("request_id" = TaskId, Path), Person),
    responses(
        (status = 204),
        (status = 403, body = ErrorBody, description = "Somebody else made it"),
        (status = 404, body = ErrorBody),
    ))]
pub(super) async fn delete_request(
    State(server): State<Server>,
    Named(request_id): Named<TaskId>,
    caller: Caller,
    person: Person,
) -> Result<StatusCode, ApiError> {
    server.check_may_delete_request(request_id, &caller).await?;
    server.delete_request(request_id, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Upload a file that a request may name; it is kept for an hour, then as long as a request names it.
#[utoipa::path(post, path = "/api/v1/requests/inputs", tag = "requests", params(Person),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = UploadedFile),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_input(
    State(server): State<Server>,
    _person: Person,
    request: HttpRequest,
) -> Result<(StatusCode, Json<UploadedFile>), ApiError> {
    take_input(&server, request, None).await
}

/// Upload a file under the SHA-256 of its bytes.
#[utoipa::path(put, path = "/api/v1/requests/inputs/{sha256}", tag = "requests",
    params(("sha256" = Sha256, Path), Person),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = UploadedFile),
        (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "The bytes are not those the name says"),
    ))]
pub(super) async fn put_input(
    State(server): State<Server>,
    Named(sha256): Named<Sha256>,
    _person: Person,
    request: HttpRequest,
) -> Result<(StatusCode, Json<UploadedFile>), ApiError> {
    take_input(&server, request, Some(&sha256)).await
}

async fn take_input(
    server: &Server,
    request: HttpRequest,
    expected: Option<&Sha256>,
) -> Result<(StatusCode, Json<UploadedFile>), ApiError> {
    let stream = request.into_body().into_data_stream();
    let limit = server.settings.max_upload_bytes;
    let incoming = incoming::receive(server.blobs.temporary(), stream, limit).await?;
    Ok((StatusCode::CREATED, Json(server.take_input(incoming, expected).await?)))
}

/// Programs that agents offer or requests wait for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProgramList {
    programs: Vec<ProgramStatus>,
}

/// The programs that can be asked for, and who runs them.
#[utoipa::path(get, path = "/api/v1/programs", tag = "requests",
    responses((status = 200, body = ProgramList)))]
pub(super) async fn list_programs(
    State(server): State<Server>,
) -> Result<Json<ProgramList>, ApiError> {
    Ok(Json(ProgramList { programs: server.programs().await? }))
}
