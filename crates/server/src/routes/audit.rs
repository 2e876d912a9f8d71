//! `/api/v1/audit`: who did what, and when.

use axum::{Json, extract::State};
use protocol::{
    audit::{AuditAction, AuditEntry},
    id::{AuditId, JobId},
    system::ErrorBody,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{body::Asked, error::ApiError, state::Server, store::AuditQuery};

/// Lines in an answer that asks for no number.
const USUAL_LINES: i64 = 100;
/// Most lines in one answer.
const MAX_LINES: i64 = 500;

/// Which lines to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditListQuery {
    /// Only those about this job, which may be deleted by now.
    job_id: Option<JobId>,
    /// Only those of this person; empty: of those who did not say who they are.
    person: Option<String>,
    /// Only those that tell of this.
    action: Option<AuditAction>,
    /// Only those older than this one: the last of an answer leads to the next.
    before: Option<AuditId>,
    /// At most so many: 1–500, 100 where nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Lines of the audit list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditList {
    entries: Vec<AuditEntry>,
}

/// The audit list.
#[utoipa::path(get, path = "/api/v1/audit", tag = "review", params(AuditListQuery),
    responses((status = 200, body = AuditList), (status = 422, body = ErrorBody)))]
pub(super) async fn list_audit(
    State(server): State<Server>,
    Asked(query): Asked<AuditListQuery>,
) -> Result<Json<AuditList>, ApiError> {
    let limit = query.limit.unwrap_or(USUAL_LINES);
    if !(1..=MAX_LINES).contains(&limit) {
        return Err(ApiError::invalid(
            "limit",
            format!("limit must be 1–{MAX_LINES}, got {limit}"),
        ));
    }
    let AuditListQuery { job_id, person, action, before, .. } = query;
    let query = AuditQuery { job_id, person, action, before, limit };
    Ok(Json(AuditList { entries: server.store.audit_entries(query).await? }))
}
