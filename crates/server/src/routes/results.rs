//! `/api/v1/jobs/{job_id}/…`: looking at masks and slices, and taking them away.

use std::ops::RangeInclusive;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    id::{JobId, RevisionId},
    prompt::SliceRef,
    system::ErrorBody,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use volume::rle;

use super::jobs::attachment;
use crate::{
    blobs,
    body::{Asked, Named},
    error::ApiError,
    person::{Person, Taker, TakerQuery},
    prompts::check_slice,
    results::{SliceView, no_mask},
    state::Server,
};

/// What kind of result to fetch.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ResultType {
    /// PNG of a slice with its mask in the objects' colours.
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
    /// Stored axis of the slice; that of the slice segmented last where none is named.
    axis: Option<u8>,
    /// The slice; the one segmented last, or the middle of another axis, where none is named.
    slice_index: Option<u32>,
}

/// The mask: a slice as PNG, or the volume as NIfTI on the image's own grid.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/result", tag = "results",
    params(("job_id" = JobId, Path), ResultQuery, TakerQuery, Person),
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
    Taker(person): Taker,
) -> Result<Response, ApiError> {
    let job = server.store.job_row(job_id).await?;
    let revision = job.summary.head.ok_or_else(no_mask)?;
    let default = if job.is_propagated { ResultType::Volume } else { ResultType::Slice };
    let (content_type, file_name, bytes) = match query.kind.unwrap_or(default) {
        ResultType::Volume => {
            let (name, bytes) = server.mask_file(job).await?;
            ("application/gzip", name, bytes)
        }
        ResultType::Slice => {
            let (name, bytes) = server.mask_picture(&job, query.axis, query.slice_index).await?;
            ("image/png", name, bytes)
        }
    };
    server.note_export(job_id, revision, &file_name, &person).await?;
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
    /// Only this box: first and last voxel, inclusive, as `i1,j1,k1,i2,j2,k2`.
    #[serde(rename = "box")]
    #[param(example = "0,0,12,255,255,12")]
    bounds: Option<String>,
}

/// A box of voxels out of a query.
fn box_of(text: &str, shape: [u32; 3]) -> Result<[RangeInclusive<usize>; 3], ApiError> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    let numbers: Option<[u32; 6]> = numbers.ok().and_then(|it| it.try_into().ok());
    let inside = numbers.filter(|it| (0..3).all(|n| it[n] <= it[n + 3] && it[n + 3] < shape[n]));
    let Some(it) = inside else {
        let [ni, nj, nk] = shape;
        return Err(ApiError::invalid(
            "box",
            format!(
                "box must be i1,j1,k1,i2,j2,k2: first and last voxel, inclusive, within \
                 {ni} × {nj} × {nk}"
            ),
        ));
    };
    Ok([0, 1, 2].map(|n| it[n] as usize..=it[n + 3] as usize))
}

/// The labelmap of a revision, or of a box of it, in the run-length format `VXR1`.
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
    let job = server.store.job_row(job_id).await?;
    let image = &job.summary.image;
    let bounds = query.bounds.as_deref().map(|it| box_of(it, image.shape)).transpose()?;
    let revision = match query.revision {
        Some(it) => Some(server.store.revision(job_id, it).await?),
        None => job.head,
    };
    let Some(revision) = revision else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let bytes = match bounds {
        None => blobs::read(&*server.blobs, &revision.mask).await?,
        Some(bounds) => {
            let labelmap = server.labelmap(image, Some(&revision.mask)).await?;
            tokio::task::spawn_blocking(move || rle::encode(&labelmap.crop(&bounds))).await?
        }
    };
    let part = query.bounds.map(|it| format!("-{it}")).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, rle::MEDIA_TYPE.to_owned()),
        (header::ETAG, format!("\"{}{part}\"", revision.mask)),
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
    /// Whether to show the mask, in the objects' colours.
    #[serde(default)]
    mask: bool,
    /// Frame of a 4D image; the first where none is named.
    #[serde(default)]
    frame: u32,
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
            return Err(ApiError::invalid("low", "a window needs low and high with low < high"));
        }
    };
    let job = server.store.job_row(job_id).await?;
    let slice = SliceRef { axis, slice_index };
    check_slice(&job.summary.image, slice)?;
    let view = SliceView { slice, window, with_mask: query.mask, frame: query.frame };
    let bytes = server.slice_picture(&job, view).await?;
    // The image never changes; the mask does.
    let cache = if query.mask { "no-store" } else { "private, max-age=3600" };
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, cache)];
    Ok((headers, bytes).into_response())
}
