//! `/api/v1/jobs/{job_id}/…`: asking for masks, looking at them, editing and fetching them.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    id::{JobId, RevisionId},
    job::{Revision, RevisionRequest, TaskQueued},
    prompt::{Combine, Direction, Scribble, SlicePrompt, SliceRef, first_label},
    system::ErrorBody,
    task::EngineName,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::jobs::attachment;
use crate::{
    blobs,
    body::{Asked, Body, Named},
    error::ApiError,
    jobs::PropagateWish,
    prompts::{check_label, check_prompt, check_slice},
    results::SliceView,
    state::Server,
};

/// Content type of masks in the `volume::rle` format.
pub(super) const RLE: &str = "application/x-voxloop-rle";

/// A point, on the prompt's own slice unless it names another.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(super) struct PointBody {
    /// Voxels along the slice's first axis.
    x: f64,
    /// Voxels along the slice's second axis.
    y: f64,
    /// Whether it lies inside the object.
    #[serde(default = "yes")]
    positive: bool,
    /// Stored axis, where it differs from the prompt's.
    axis: Option<u8>,
    /// Slice, where it differs from the prompt's.
    slice_index: Option<u32>,
}

fn yes() -> bool {
    true
}

/// What to segment on a slice. A box may also be given as `x1`, `y1`, `x2`, `y2`.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct InitialMaskBody {
    /// Stored axis that the slice is orthogonal to.
    axis: u8,
    /// Index of the slice.
    slice_index: u32,
    /// Inclusive corners `[x1, y1, x2, y2]` in voxels of the slice.
    #[serde(rename = "box")]
    bounds: Option<[f64; 4]>,
    x1: Option<f64>,
    y1: Option<f64>,
    x2: Option<f64>,
    y2: Option<f64>,
    /// Points inside and outside the object.
    #[serde(default)]
    points: Vec<PointBody>,
    /// Strokes inside and outside the object.
    #[serde(default)]
    scribbles: Vec<Scribble>,
    /// Whether the slice's present mask is part of the prompt.
    #[serde(default)]
    mask: bool,
    /// The engine; the server's choice where none is named.
    engine: Option<EngineName>,
    /// The object, 1–255.
    #[serde(default = "first_label")]
    label: u8,
}

impl InitialMaskBody {
    fn slice(&self) -> SliceRef {
        SliceRef {
            axis: self.axis,
            slice_index: self.slice_index,
        }
    }

    fn bounds(&self) -> Result<Option<[f64; 4]>, ApiError> {
        match (self.bounds, self.x1, self.y1, self.x2, self.y2) {
            (Some(it), ..) => Ok(Some(it)),
            (None, None, None, None, None) => Ok(None),
            (None, Some(x1), Some(y1), Some(x2), Some(y2)) => Ok(Some([x1, y1, x2, y2])),
            (None, x1, y1, x2, _) => {
                let missing = [("x1", x1), ("y1", y1), ("x2", x2)];
                let name = missing
                    .iter()
                    .find(|(_, it)| it.is_none())
                    .map_or("y2", |(it, _)| it);
                Err(ApiError::invalid(name, "a box needs x1, y1, x2 and y2"))
            }
        }
    }

    /// The prompt on the slice, and what its points say about other slices.
    fn prompts(&self) -> Result<(SlicePrompt, Vec<SlicePrompt>), ApiError> {
        let slice = self.slice();
        let mut prompt = SlicePrompt {
            slice,
            label: self.label,
            bounds: self.bounds()?,
            points: Vec::new(),
            scribbles: self.scribbles.clone(),
            mask: self.mask,
            absent: false,
        };
        let mut elsewhere: Vec<SlicePrompt> = Vec::new();
        for it in &self.points {
            let on = SliceRef {
                axis: it.axis.unwrap_or(slice.axis),
                slice_index: it.slice_index.unwrap_or(slice.slice_index),
            };
            let point = protocol::prompt::Point {
                x: it.x,
                y: it.y,
                positive: it.positive,
            };
            if on == slice {
                prompt.points.push(point);
            } else if let Some(other) = elsewhere.iter_mut().find(|it| it.slice == on) {
                other.points.push(point);
            } else {
                elsewhere.push(SlicePrompt {
                    slice: on,
                    bounds: None,
                    points: vec![point],
                    scribbles: Vec::new(),
                    mask: false,
                    ..prompt.clone()
                });
            }
        }
        Ok((prompt, elsewhere))
    }
}

/// Segment an object on a slice. While the job is segmenting, this takes the place of the
/// unfinished request for the same object and slice.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/initial-mask", tag = "masks",
    params(("job_id" = JobId, Path)),
    request_body(content(
        (InitialMaskBody = "application/json"),
        (InitialMaskBody = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, body = TaskQueued),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The job is being propagated"),
        (status = 422, body = ErrorBody, description = "Outside the image; the bounds are named"),
    ))]
pub(super) async fn initial_mask(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Body(body): Body<InitialMaskBody>,
) -> Result<(StatusCode, Json<TaskQueued>), ApiError> {
    let (prompt, elsewhere) = body.prompts()?;
    let task = server
        .segment(job_id, prompt, &elsewhere, body.engine)
        .await?;
    let queued = TaskQueued {
        task_id: task.task_id,
        job_id,
        status: task.state,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// How to carry an object through the volume; everything has a default.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct PropagateBody {
    /// Which way from the prompted slices.
    direction: Option<Direction>,
    /// First and last slice that may hold the object, inclusive.
    range: Option<[u32; 2]>,
    /// The engine; the server's choice where none is named.
    engine: Option<EngineName>,
    /// How passes in two directions are combined.
    combine: Option<Combine>,
    /// The object; the most recently changed one where none is named.
    label: Option<u8>,
    /// Stored axis; that of the object's prompts where none is named.
    axis: Option<u8>,
}

/// Carry an object from its prompted slices through the volume.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/propagate", tag = "masks",
    params(("job_id" = JobId, Path)), request_body = PropagateBody,
    responses(
        (status = 202, body = TaskQueued),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "There is no mask yet, or the job is busy"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn propagate(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Body(body): Body<PropagateBody>,
) -> Result<(StatusCode, Json<TaskQueued>), ApiError> {
    let wish = PropagateWish {
        direction: body.direction.unwrap_or_default(),
        range: body.range,
        engine: body.engine,
        combine: body.combine.unwrap_or_default(),
        label: body.label,
        axis: body.axis,
    };
    let task = server.propagate(job_id, wish).await?;
    let queued = TaskQueued {
        task_id: task.task_id,
        job_id,
        status: task.state,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// What kind of result to fetch.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ResultType {
    /// PNG of a slice with its mask in red.
    #[serde(rename = "2d")]
    Slice,
    /// NIfTI of the whole mask.
    #[serde(rename = "3d")]
    Volume,
}

/// Which result to fetch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ResultQuery {
    /// 3D once the job was propagated, else 2D.
    #[serde(rename = "type")]
    #[param(inline)]
    kind: Option<ResultType>,
    /// Stored axis of the slice; that of the newest prompt where none is named.
    axis: Option<u8>,
    /// The slice; that of the newest prompt where none is named.
    slice_index: Option<u32>,
}

/// The mask: a slice as PNG, or the volume as NIfTI on the image's own grid.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/result", tag = "masks",
    params(("job_id" = JobId, Path), ResultQuery),
    responses(
        (status = 200, content(
            (Vec<u8> = "image/png"),
            (Vec<u8> = "application/gzip"),
        )),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "There is no mask yet"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn result(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<ResultQuery>,
) -> Result<Response, ApiError> {
    let job = server.store.job_row(job_id).await?;
    let default = if job.is_propagated {
        ResultType::Volume
    } else {
        ResultType::Slice
    };
    let (content_type, file_name, bytes) = match query.kind.unwrap_or(default) {
        ResultType::Volume => {
            let (name, bytes) = server.mask_file(&job).await?;
            ("application/gzip", name, bytes)
        }
        ResultType::Slice => {
            let slice = match (query.axis, query.slice_index) {
                (Some(axis), Some(slice_index)) => Some(SliceRef { axis, slice_index }),
                _ => None,
            };
            let (name, bytes) = server.mask_picture(&job, slice).await?;
            ("image/png", name, bytes)
        }
    };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&file_name)),
    ];
    Ok((headers, bytes).into_response())
}

/// Which mask to fetch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MaskQuery {
    /// The head where none is named.
    revision: Option<RevisionId>,
}

/// The labelmap of a revision in the run-length format `VXR1`.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/mask", tag = "masks",
    params(("job_id" = JobId, Path), MaskQuery),
    responses(
        (status = 200, content_type = "application/x-voxloop-rle"),
        (status = 204, description = "There is no mask yet"),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn mask(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<MaskQuery>,
) -> Result<Response, ApiError> {
    let head = server.store.job_row(job_id).await?.head;
    let revision = match query.revision {
        Some(it) => Some(server.store.revision(job_id, it).await?),
        None => head,
    };
    let Some(revision) = revision else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let bytes = blobs::read(&*server.blobs, &revision.mask).await?;
    let headers = [
        (header::CONTENT_TYPE, RLE.to_owned()),
        (header::ETAG, format!("\"{}\"", revision.mask)),
    ];
    Ok((headers, bytes).into_response())
}

/// How to show a slice.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SliceQuery {
    /// Intensity shown black; a window that suits the image where none is given.
    low: Option<f64>,
    /// Intensity shown white.
    high: Option<f64>,
    /// Whether to show the mask in red.
    #[serde(default)]
    mask: bool,
}

/// A slice as PNG: one pixel per voxel, upright, by radiological convention.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/slices/{axis}/{slice_file}", tag = "masks",
    params(
        ("job_id" = JobId, Path),
        ("axis" = u8, Path, description = "Stored axis"),
        ("slice_file" = String, Path, description = "Index of the slice and `.png`"),
        SliceQuery,
    ),
    responses(
        (status = 200, content_type = "image/png"),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn slice_png(
    State(server): State<Server>,
    Named((job_id, axis, slice_file)): Named<(JobId, u8, String)>,
    Asked(query): Asked<SliceQuery>,
) -> Result<Response, ApiError> {
    let slice_index = slice_file
        .strip_suffix(".png")
        .and_then(|it| it.parse().ok())
        .ok_or_else(|| ApiError::not_found("a slice is named by its index and .png"))?;
    let window = match (query.low, query.high) {
        (Some(low), Some(high)) if low < high => Some([low, high]),
        (None, None) => None,
        _ => {
            return Err(ApiError::invalid(
                "low",
                "a window needs low and high with low < high",
            ));
        }
    };
    let job = server.store.job_row(job_id).await?;
    let slice = SliceRef { axis, slice_index };
    check_slice(&job.summary.image, slice)?;
    let view = SliceView {
        slice,
        window,
        with_mask: query.mask,
    };
    let bytes = server.slice_picture(&job, view).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "private, max-age=60"),
    ];
    Ok((headers, bytes).into_response())
}

/// Store what is marked on a slice without running an engine: points for the next propagation, a
/// confirmed mask, or the absence of the object.
#[utoipa::path(put, path = "/api/v1/jobs/{job_id}/prompts", tag = "masks",
    params(("job_id" = JobId, Path)), request_body = SlicePrompt,
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_prompt(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Body(prompt): Body<SlicePrompt>,
) -> Result<StatusCode, ApiError> {
    let job = server.store.job_row(job_id).await?;
    check_prompt(&job.summary.image, &prompt)?;
    server
        .store
        .put_prompt(job_id, &prompt, server.now_ms())
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
    params(("job_id" = JobId, Path), PromptQuery),
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn delete_prompt(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<PromptQuery>,
) -> Result<StatusCode, ApiError> {
    check_label(query.label)?;
    let slice = SliceRef {
        axis: query.axis,
        slice_index: query.slice_index,
    };
    server
        .store
        .delete_prompt(job_id, query.label, slice, server.now_ms())
        .await?;
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
    Ok(Json(RevisionList {
        revisions: server.store.revisions(job_id).await?,
    }))
}

/// Post an edited mask: the changed box of voxels, and the revision it was made from.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/revisions", tag = "masks",
    params(("job_id" = JobId, Path)), request_body = RevisionRequest,
    responses(
        (status = 201, body = Revision),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The parent is not the head"),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_revision(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Body(request): Body<RevisionRequest>,
) -> Result<(StatusCode, Json<Revision>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(server.revise(job_id, &request).await?),
    ))
}
