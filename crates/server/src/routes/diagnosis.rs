//! `/api/v1/system/diagnosis`: what is wrong, and what to do about it.

use axum::{Json, extract::State};
use protocol::{
    diagnosis::{BlobDepth, Diagnosis},
    system::ErrorBody,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{body::Asked, state::Server};

/// How thorough to be.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DiagnosisQuery {
    /// Which stored files are read to compare them with their SHA-256; a sample by default.
    #[serde(default)]
    #[param(inline)]
    blobs: BlobDepth,
}

/// Look at everything that can be wrong. What is broken is a finding with its remedy, not an error;
/// nothing is changed by looking.
#[utoipa::path(get, path = "/api/v1/system/diagnosis", tag = "system", params(DiagnosisQuery),
    responses((status = 200, body = Diagnosis), (status = 422, body = ErrorBody)))]
pub(super) async fn diagnosis(
    State(server): State<Server>,
    Asked(query): Asked<DiagnosisQuery>,
) -> Json<Diagnosis> {
    let _only_one = server.diagnosing.lock().await;
    Json(server.diagnosis(query.blobs).await)
}
