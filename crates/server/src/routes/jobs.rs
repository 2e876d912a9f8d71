//! `/api/v1/jobs`: opening images, listing, looking at and deleting jobs.

use axum::{
    Json,
    body::Body as Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use protocol::{
    id::JobId,
    job::{Job, JobChange, JobCreated, JobState, JobStatus, JobSummary, Modality},
    system::ErrorBody,
    task::{Progress, Task, TaskState},
};
use serde::Serialize;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use crate::{
    access::Caller,
    body::{Body, Named, part_text},
    error::ApiError,
    form::Form,
    incoming::{self, Incoming},
    jobs::Upload,
    label_rules::check_name,
    person::Person,
    state::Server,
    store::TaskFilter,
};

/// Tasks among which the one that ended last is looked for.
const RECENT_TASKS: i64 = 100;

/// All jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobList {
    jobs: Vec<JobSummary>,
}

/// The job list.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs",
    responses((status = 200, body = JobList)))]
pub(super) async fn list_jobs(State(server): State<Server>) -> Result<Json<JobList>, ApiError> {
    Ok(Json(JobList { jobs: server.store.jobs().await? }))
}

/// An image to open.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form in the OpenAPI document; the form is streamed")]
pub(super) struct JobForm {
    /// NIfTI (`.nii`, `.nii.gz`) or NRRD.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// Name for people; the file's name where none is given.
    name: Option<String>,
    /// CT or MR; else what the file names, else CT if any voxel lies below −500, else unknown.
    modality: Option<Modality>,
}

/// Open an image as a job.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs",
    params(Person),
    request_body(content = JobForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = JobCreated),
        (status = 403, body = ErrorBody, description = "A page of another origin"),
        (status = 413, body = ErrorBody, description = "Larger than MAX_UPLOAD"),
        (status = 422, body = ErrorBody, description = "Not an image that can be read"),
    ))]
pub(super) async fn create_job(
    State(server): State<Server>,
    person: Person,
    request: Request,
) -> Result<(StatusCode, Json<JobCreated>), ApiError> {
    let mut form = Form::of(request, "file").await?;
    let mut upload: Option<(Incoming, String)> = None;
    let (mut name, mut modality) = (None, None);
    while let Some(part) = form.next().await? {
        match part.name() {
            Some("file") => {
                let file_name = plain_name(part.file_name().unwrap_or("image"));
                let limit = server.settings.max_upload_bytes;
                let incoming = incoming::receive(server.blobs.temporary(), part, limit).await?;
                upload = Some((incoming, file_name));
            }
            Some("name") => {
                let text = part_text(part, server.settings.max_json_bytes).await?;
                check_name("name", &text)?;
                name = Some(text);
            }
            Some("modality") => {
                let text = part_text(part, server.settings.max_json_bytes).await?;
                modality = Some(checked_modality(&text)?);
            }
            _ => {}
        }
    }
    let (incoming, file_name) = upload.ok_or_else(|| {
        let message = "send the image as the part `file` of a multipart/form-data body";
        ApiError::invalid("file", message)
    })?;
    let upload = Upload { incoming, file_name, name, modality };
    let created = server.create_job(upload, &person).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// The last part of a client's file name. It is shown and sent back, never used as a path.
fn plain_name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|it| !it.is_control()).take(200).collect();
    if name.is_empty() { "image".to_owned() } else { name }
}

fn checked_modality(text: &str) -> Result<Modality, ApiError> {
    match text {
        "CT" => Ok(Modality::Ct),
        "MR" => Ok(Modality::Mr),
        "" | "unknown" => Ok(Modality::Unknown),
        _ => Err(ApiError::invalid("modality", "modality must be CT or MR")),
    }
}

/// Open the built-in sample: a phantom of an abdomen in CT.
#[utoipa::path(post, path = "/api/v1/sample", tag = "jobs", params(Person),
    responses((status = 201, body = JobCreated), (status = 422, body = ErrorBody)))]
pub(super) async fn open_sample(
    State(server): State<Server>,
    person: Person,
) -> Result<(StatusCode, Json<JobCreated>), ApiError> {
    Ok((StatusCode::CREATED, Json(server.open_sample(&person).await?)))
}

/// A job with its prompts, the mask it shows, its review and its unfinished task.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = JobId, Path)),
    responses((status = 200, body = Job), (status = 404, body = ErrorBody)))]
pub(super) async fn get_job(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
) -> Result<Json<Job>, ApiError> {
    Ok(Json(server.store.job(job_id).await?))
}

/// Say what kind of machine made the job's image.
#[utoipa::path(patch, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = JobId, Path), Person),
    request_body = JobChange,
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The job is accepted"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn patch_job(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(change): Body<JobChange>,
) -> Result<StatusCode, ApiError> {
    let modality = change.modality.ok_or_else(|| {
        ApiError::invalid("modality", "say what changes: modality must be CT, MR or unknown")
    })?;
    server.store.set_modality(job_id, modality, &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancel a job's tasks and delete it with its masks, history and files. Its lines of the audit list stay.
#[utoipa::path(delete, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = JobId, Path), Person),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(super) async fn delete_job(
    State(server): State<Server>,
    caller: Caller,
    person: Person,
    Named(job_id): Named<JobId>,
) -> Result<StatusCode, ApiError> {
    server.check_may_delete(job_id, &caller).await?;
    server.delete_job(job_id, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a job stands, for clients that poll.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/status", tag = "jobs",
    params(("job_id" = JobId, Path)),
    responses((status = 200, body = JobStatus), (status = 404, body = ErrorBody)))]
pub(super) async fn job_status(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
) -> Result<Json<JobStatus>, ApiError> {
    let job = server.store.job(job_id).await?;
    let status = job.summary.status;
    let of_job = TaskFilter { job_id: Some(job_id), ..TaskFilter::default() };
    let tasks = server.store.tasks(&of_job, RECENT_TASKS).await?;
    let running = job.task;
    let ended = tasks.into_iter().filter(|it| it.state.is_final()).max_by_key(|it| it.finished_ms);
    let is_done = matches!(status, JobState::Segmented | JobState::Completed);
    Ok(Json(JobStatus {
        job_id,
        status,
        progress: if is_done {
            100
        } else {
            running.as_ref().map_or(0, |it| percent(&it.progress))
        },
        stage: running.as_ref().map(stage),
        task_id: running.as_ref().or(ended.as_ref()).map(|it| it.task_id),
        error: ended.filter(|_| status == JobState::Failed).and_then(|it| it.failure),
    }))
}

fn stage(task: &Task) -> String {
    match (task.state, task.progress.stage.as_str()) {
        (TaskState::Queued, _) => "queued".to_owned(),
        (_, "") => "starting".to_owned(),
        (_, stage) => stage.to_owned(),
    }
}

fn percent(progress: &Progress) -> u8 {
    let done = u64::from(progress.done.min(progress.total)) * 100;
    done.checked_div(progress.total.into()).and_then(|it| it.try_into().ok()).unwrap_or(0)
}

/// The job's image file, as it was uploaded.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/image", tag = "jobs",
    params(("job_id" = JobId, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody),
    ))]
pub(super) async fn job_image(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
) -> Result<Response, ApiError> {
    let image = server.store.job_row(job_id).await?.summary.image;
    let path = server.blobs.open(&image.sha256).await?;
    let file = tokio::fs::File::open(path).await.map_err(|it| ApiError::internal(&it))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, image.bytes.to_string()),
        (header::CONTENT_DISPOSITION, attachment(&image.file_name)),
        (header::ETAG, format!("\"{}\"", image.sha256)),
    ];
    Ok((headers, Bytes::from_stream(ReaderStream::new(file).into_stream())).into_response())
}

/// A header that makes a browser save an answer under `file_name`, whatever its script (RFC 6266).
pub(super) fn attachment(file_name: &str) -> String {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._".contains(&it);
    let plain: String = file_name
        .chars()
        .map(|it| if it.is_ascii() && is_plain(it as u8) { it } else { '_' })
        .collect();
    let encoded = file_name.bytes().fold(String::new(), |text, it| {
        if is_plain(it) { text + &char::from(it).to_string() } else { text + &format!("%{it:02X}") }
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}
