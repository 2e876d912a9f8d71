//! `/api/v1/jobs/{job_id}/…`: asking for masks.

use axum::{Json, extract::State, http::StatusCode};
use protocol::{
    id::{JobId, Sha256},
    job::{SlicePrepared, TaskQueued},
    prompt::{Combine, Direction, Scribble, SlicePrompt, SliceRef, first_label},
    system::ErrorBody,
    task::{EngineName, TaskClass},
};
use serde::Deserialize;
use utoipa::ToSchema;
use volume::window::{CT_PRESETS, Window};

use crate::{
    body::{Body, Named},
    demand::Demand,
    error::ApiError,
    jobs::{PropagateWish, SegmentWish},
    person::Person,
    state::Server,
};

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

/// Intensities from black to white: `abdomen`, `lung`, `bone`, `brain`, `liver`, `none` where they are
/// grey levels (0 to 255) already, or `[low, high]`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected none, abdomen, lung, bone, brain, liver or [low, high]")]
pub(super) enum WindowBody {
    /// By its name.
    Named(String),
    /// By its ends.
    Between([f64; 2]),
}

impl WindowBody {
    fn ends(&self) -> Result<[f64; 2], ApiError> {
        match self {
            Self::Between(ends) => Ok(*ends),
            Self::Named(name) if name == "none" => Ok([0.0, 255.0]),
            Self::Named(name) => {
                let Window { low, high } = Window::preset(name).ok_or_else(|| {
                    let names = CT_PRESETS.map(|it| it.0).join(", ");
                    let message =
                        format!("window must be none, {names} or [low, high], got {name}");
                    ApiError::invalid("window", message)
                })?;
                Ok([low, high])
            }
        }
    }
}

fn yes() -> bool {
    true
}

/// What to segment on a slice. A box may also be given as `x1`, `y1`, `x2`, `y2`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
    /// Intensities that medsam2 sees as black and white; by default those that suit the image.
    window: Option<WindowBody>,
    /// Frame of a 4D image; the first where none is named.
    #[serde(default)]
    frame: u32,
    /// Whether somebody waits for it: of many that a program asks for, say `batch`, and they go after
    /// those that people wait for.
    class: Option<TaskClass>,
    /// Only agents with these weights may have it.
    model: Option<Sha256>,
    /// Only agents with a GPU of so much memory in all may have it.
    gpu_memory_bytes: Option<u64>,
}

impl InitialMaskBody {
    fn slice(&self) -> SliceRef {
        SliceRef { axis: self.axis, slice_index: self.slice_index }
    }

    fn bounds(&self) -> Result<Option<[f64; 4]>, ApiError> {
        match (self.bounds, self.x1, self.y1, self.x2, self.y2) {
            (Some(it), ..) => Ok(Some(it)),
            (None, None, None, None, None) => Ok(None),
            (None, Some(x1), Some(y1), Some(x2), Some(y2)) => Ok(Some([x1, y1, x2, y2])),
            (None, x1, y1, x2, _) => {
                let missing = [("x1", x1), ("y1", y1), ("x2", x2)];
                let name = missing.iter().find(|(_, it)| it.is_none()).map_or("y2", |(it, _)| it);
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
            let point = protocol::prompt::Point { x: it.x, y: it.y, positive: it.positive };
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
    params(("job_id" = JobId, Path), Person),
    request_body(content(
        (InitialMaskBody = "application/json"),
        (InitialMaskBody = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, body = TaskQueued),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The job is being propagated or accepted, or the object is locked"),
        (status = 422, body = ErrorBody, description = "Outside the image; the bounds are named"),
    ))]
pub(super) async fn initial_mask(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(body): Body<InitialMaskBody>,
) -> Result<(StatusCode, Json<TaskQueued>), ApiError> {
    let (prompt, elsewhere) = body.prompts()?;
    let window = body.window.as_ref().map(WindowBody::ends).transpose()?;
    let demand = Demand::new(body.class, body.model, body.gpu_memory_bytes);
    let (engine, frame) = (body.engine, body.frame);
    let wish = SegmentWish { prompt, elsewhere, engine, window, frame, demand };
    let task = server.segment(job_id, wish, &person).await?;
    let queued = TaskQueued { task_id: task.task_id, job_id: Some(job_id), status: task.state };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// A slice that somebody looks at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PrepareBody {
    /// Stored axis that the slice is orthogonal to.
    axis: u8,
    /// Index of the slice.
    slice_index: u32,
    /// The engine that a prompt will name; the server's choice where none is named.
    engine: Option<EngineName>,
    /// Frame of a 4D image.
    #[serde(default)]
    frame: u32,
}

/// Say that somebody looks at a slice: what can be done before the prompt is done in the background.
/// Of an image's slices only the one named last waits.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/prepare", tag = "masks",
    params(("job_id" = JobId, Path)),
    request_body(content(
        (PrepareBody = "application/json"),
        (PrepareBody = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, body = SlicePrepared),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The engine is not ready"),
        (status = 422, body = ErrorBody, description = "Outside the image; the bounds are named"),
    ))]
pub(super) async fn prepare(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Body(body): Body<PrepareBody>,
) -> Result<(StatusCode, Json<SlicePrepared>), ApiError> {
    let slice = SliceRef { axis: body.axis, slice_index: body.slice_index };
    let preparation = server.prepare(job_id, slice, body.frame, body.engine).await?;
    Ok((StatusCode::ACCEPTED, Json(SlicePrepared { preparation })))
}

/// How to carry an object through the volume; everything has a default.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PropagateBody {
    /// Which way from the prompted slices.
    direction: Option<Direction>,
    /// First and last slice that may hold the object, inclusive.
    range: Option<[u32; 2]>,
    /// The engine; the server's choice where none is named.
    engine: Option<EngineName>,
    /// How passes in two directions are combined.
    combine: Option<Combine>,
    /// Whether only the largest connected part of the object stays, and slices that are known.
    largest_component: Option<bool>,
    /// The object; the most recently changed one where none is named.
    label: Option<u8>,
    /// Stored axis; that of the object's prompt that was changed last where none is named.
    axis: Option<u8>,
    /// Intensities that medsam2 sees as black and white; by default those that suit the image.
    window: Option<WindowBody>,
    /// Frame of a 4D image; the first where none is named.
    frame: Option<u32>,
    /// Whether somebody waits for it: of many that a program asks for, say `batch`, and they go after
    /// those that people wait for.
    class: Option<TaskClass>,
    /// Only agents with these weights may have it.
    model: Option<Sha256>,
    /// Only agents with a GPU of so much memory in all may have it.
    gpu_memory_bytes: Option<u64>,
}

/// Carry an object from its prompted slices through the volume.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/propagate", tag = "masks",
    params(("job_id" = JobId, Path), Person),
    request_body(content(
        (PropagateBody = "application/json"),
        (PropagateBody = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, body = TaskQueued),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody,
            description = "Nothing to start from yet, the job is busy or accepted, or the object is locked"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn propagate(
    State(server): State<Server>,
    person: Person,
    Named(job_id): Named<JobId>,
    Body(body): Body<PropagateBody>,
) -> Result<(StatusCode, Json<TaskQueued>), ApiError> {
    let wish = PropagateWish {
        direction: body.direction.unwrap_or_default(),
        range: body.range,
        engine: body.engine,
        combine: body.combine.unwrap_or_default(),
        largest_component: body.largest_component.unwrap_or_default(),
        label: body.label,
        axis: body.axis,
        window: body.window.as_ref().map(WindowBody::ends).transpose()?,
        frame: body.frame.unwrap_or_default(),
        demand: Demand::new(body.class, body.model, body.gpu_memory_bytes),
    };
    let task = server.propagate(job_id, wish, &person).await?;
    let queued = TaskQueued { task_id: task.task_id, job_id: Some(job_id), status: task.state };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}
