//! Errors as answers: the one place where a failure becomes an HTTP status.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use protocol::system::{ErrorBody, ErrorDetail, Reason};

use crate::{blobs::BlobError, incoming::IncomingError, queue::Refusal, store::StoreError};

/// Says that an error is this server's own and not that of a proxy on the way, and which: the answer to
/// HEAD has no body that would say it.
const ERROR_CODE: HeaderName = HeaderName::from_static("voxloop-error");

/// A request that cannot be answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    detail: ErrorDetail,
}

impl ApiError {
    /// An answer with `status`, a machine-readable `code` and a sentence for a person.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let detail = ErrorDetail {
            code: code.to_owned(),
            message: message.into(),
            field: None,
            reason: None,
            parameters: BTreeMap::new(),
        };
        Self { status, detail }
    }

    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the answer says.
    #[must_use]
    pub fn detail(&self) -> &ErrorDetail {
        &self.detail
    }

    /// Says what is wrong in a way that pages can put into their own words.
    #[must_use]
    pub fn because<const N: usize>(mut self, reason: Reason, values: [(&str, String); N]) -> Self {
        self.detail.reason = Some(reason);
        self.detail.parameters =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self
    }

    /// 422: a value that cannot be used, named by its field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message);
        error.detail.field = Some(field.to_owned());
        error
    }

    /// 409: not in this state.
    pub fn wrong_state(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "wrong_state", message)
    }

    /// 404: nothing has this name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 507: there is no room; the request can be repeated once there is.
    fn full(what: &str) -> Self {
        let message = format!(
            "{what}: the disk is full; make room, then try again (`voxloop doctor` names the folder)"
        );
        tracing::error!(message, "request failed");
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "insufficient_storage", message)
            .because(Reason::DiskFull, [])
    }

    /// 500: the cause goes to the log, the client learns that it is there.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(cause), "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong on the server; its log says what",
        )
        .because(Reason::Internal, [])
    }
}

/// What is said of a stored file that is not what it was; the log has it too.
fn see_doctor(error: &BlobError) -> String {
    let message = format!("{error}; `voxloop doctor` says what to do");
    tracing::error!(message, "request failed");
    message
}

/// Whether a disk, a quota or a limit on the size of files left no room.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text.push_str(": ");
        text.push_str(&it.to_string());
        cause = it.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = HeaderValue::from_str(&self.detail.code);
        let mut answer = (self.status, Json(ErrorBody { error: self.detail })).into_response();
        if let Ok(code) = code {
            answer.headers_mut().insert(ERROR_CODE, code);
        }
        answer
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::not_found(error.to_string()),
            StoreError::WrongState { message, reason, values } => {
                let mut answer = Self::wrong_state(message);
                answer.detail.reason = Some(*reason);
                answer.detail.parameters.clone_from(values);
                answer
            }
            StoreError::NotHead { .. } => {
                Self::new(StatusCode::CONFLICT, "not_head", error.to_string())
                    .because(Reason::NotHead, [])
            }
            StoreError::LabelLocked { label, name } => {
                let values = [("label", label.to_string()), ("name", name.clone())];
                Self::new(StatusCode::CONFLICT, "label_locked", error.to_string())
                    .because(Reason::LabelLocked, values)
            }
            StoreError::JobAccepted => {
                Self::new(StatusCode::CONFLICT, "job_accepted", error.to_string())
                    .because(Reason::JobAccepted, [])
            }
            StoreError::LabelsChanged => {
                Self::new(StatusCode::CONFLICT, "labels_changed", error.to_string())
                    .because(Reason::LabelsChanged, [])
            }
            StoreError::ReviewChanged { state } => {
                Self::new(StatusCode::CONFLICT, "review_changed", error.to_string())
                    .because(Reason::ReviewChanged, [("state", state.clone())])
            }
            StoreError::NameTaken { name } => {
                Self::new(StatusCode::CONFLICT, "name_taken", error.to_string())
                    .because(Reason::NameTaken, [("name", name.clone())])
            }
            StoreError::PersonNameTaken { .. } => {
                Self::new(StatusCode::CONFLICT, "name_taken", error.to_string())
            }
            StoreError::NoAdmin => Self::new(StatusCode::CONFLICT, "no_admin", error.to_string()),
            StoreError::UsedUp { .. } => Self::new(StatusCode::GONE, "used_up", error.to_string()),
            StoreError::Refused(refusal) => {
                let code = match refusal {
                    Refusal::StaleFence => "stale_fence",
                    Refusal::Replay
                    | Refusal::NotClaimable
                    | Refusal::NotWaiting
                    | Refusal::Withdrawn
                    | Refusal::Ended
                    | Refusal::NothingDue => "wrong_state",
                };
                Self::new(StatusCode::CONFLICT, code, refusal.to_string())
                    .because(Reason::TaskState, [])
            }
            StoreError::Full => Self::full("the database cannot be written"),
            StoreError::Damaged { .. } => {
                tracing::error!(error = %chain(&error), "request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "database_damaged",
                    "the database is damaged; `voxloop doctor` says what to do",
                )
                .because(Reason::StoreDamaged, [])
            }
            StoreError::Corrupt { .. }
            | StoreError::Newer { .. }
            | StoreError::Unusable { .. }
            | StoreError::Migration(_)
            | StoreError::Database(_) => Self::internal(&error),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match &error {
            BlobError::Missing(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "blob_missing", see_doctor(&error))
                    .because(Reason::StoreDamaged, [])
            }
            BlobError::Damaged { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "blob_damaged", see_doctor(&error))
                    .because(Reason::StoreDamaged, [])
            }
            BlobError::WrongDigest { .. } => Self::invalid("sha256", error.to_string()),
            BlobError::Io(cause) if is_full(cause) => Self::full("the file cannot be stored"),
            BlobError::InUse(_)
            | BlobError::Io(_)
            | BlobError::Bucket(_)
            | BlobError::Address { .. } => Self::internal(&error),
        }
    }
}

impl From<IncomingError> for ApiError {
    fn from(error: IncomingError) -> Self {
        match &error {
            IncomingError::TooLarge { limit_bytes } => {
                let mut answer =
                    Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
                        .because(Reason::TooLarge, [("limit", limit_bytes.to_string())]);
                answer.detail.field = Some("file".to_owned());
                answer
            }
            IncomingError::BrokenOff(_) => {
                Self::invalid("file", error.to_string()).because(Reason::BrokenOff, [])
            }
            IncomingError::Io(cause) if is_full(cause) => Self::full("the file cannot be stored"),
            IncomingError::Io(_) => Self::internal(&error),
        }
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(&error)
    }
}
