//! `/api/v1/jobs/{job_id}/…`: what objects measure, and their surfaces.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use protocol::{
    id::{JobId, RevisionId},
    measure::Measurements,
    prompt::first_label,
    system::ErrorBody,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    body::{Asked, Named},
    error::ApiError,
    prompts::check_label,
    state::Server,
};

/// Which mask to measure.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MeasureQuery {
    /// The head where none is named.
    revision: Option<RevisionId>,
    /// Frame of a 4D image that intensities come from; the first where none is named.
    #[serde(default)]
    frame: u32,
}

/// What the objects measure: volume, surface, intensities, extent, area per slice, and the longest
/// axial diameter with its perpendicular (RECIST 1.1).
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/measurements", tag = "results",
    params(("job_id" = JobId, Path), MeasureQuery),
    responses(
        (status = 200, body = Measurements),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "There is no mask yet"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn measurements(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<MeasureQuery>,
) -> Result<Json<Measurements>, ApiError> {
    let chosen = server.chosen(job_id, query.revision).await?;
    Ok(Json(server.measure(&chosen, query.frame).await?))
}

/// Which object's surface to fetch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SurfaceQuery {
    /// The object.
    #[serde(default = "first_label")]
    label: u8,
    /// The head where none is named.
    revision: Option<RevisionId>,
}

/// An object's surface: closed, smoothed, facing outwards. `VXS1`, the numbers of corners and of
/// triangles (u32), the corners in millimetres of RAS (f32, three each), the triangles' corners
/// (u32, three each); all little-endian. Without voxels there are none.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/surface", tag = "results",
    params(("job_id" = JobId, Path), SurfaceQuery),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "There is no mask yet"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn surface(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(query): Asked<SurfaceQuery>,
) -> Result<Response, ApiError> {
    check_label(query.label)?;
    let chosen = server.chosen(job_id, query.revision).await?;
    let mesh = server.surface(&chosen, query.label, crate::surfaces::SHOWN).await?;
    // A revision never changes; which one is the head does.
    let cache = if query.revision.is_some() { "private, max-age=3600" } else { "no-store" };
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, cache)];
    Ok((headers, mesh.to_bytes()).into_response())
}
