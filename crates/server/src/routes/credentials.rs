//! `/api/v1/credentials`, `/api/v1/account/credentials`, `/api/v1/agents/enrol`: what opens the
//! server. A secret is shown once, in the answer that makes it.

use axum::{Json, extract::State, http::StatusCode};
use protocol::{
    access::{CredentialList, CredentialRequest, EnrolRequest, Enrolled, MadeCredential},
    id::CredentialId,
    system::ErrorBody,
};

use crate::{
    access::Caller,
    body::{Body, Named},
    error::ApiError,
    people::own_person,
    person::Person,
    state::Server,
};

/// What opens the server: sessions, tokens, agents, join tokens, invitations.
#[utoipa::path(get, path = "/api/v1/credentials", tag = "access",
    responses((status = 200, body = CredentialList)))]
pub(super) async fn list_credentials(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Json<CredentialList>, ApiError> {
    Ok(Json(CredentialList { credentials: server.credentials_for(&caller, None).await? }))
}

/// Make a token, an agent's credential, a join token, or an invitation.
#[utoipa::path(post, path = "/api/v1/credentials", tag = "access", params(Person),
    request_body = CredentialRequest,
    responses(
        (status = 201, body = MadeCredential),
        (status = 409, body = ErrorBody, description = "The first person is an admin"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_credential(
    State(server): State<Server>,
    person: Person,
    Body(request): Body<CredentialRequest>,
) -> Result<(StatusCode, Json<MadeCredential>), ApiError> {
    let made = server.make_credential(request, &server.act(&person)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Take a credential back: it opens nothing from now on.
#[utoipa::path(delete, path = "/api/v1/credentials/{credential_id}", tag = "access",
    params(("credential_id" = CredentialId, Path), Person),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(super) async fn delete_credential(
    State(server): State<Server>,
    person: Person,
    Named(credential_id): Named<CredentialId>,
) -> Result<StatusCode, ApiError> {
    server.revoke(credential_id, None, &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own sessions and tokens.
#[utoipa::path(get, path = "/api/v1/account/credentials", tag = "access",
    responses(
        (status = 200, body = CredentialList),
        (status = 409, body = ErrorBody, description = "Not signed in by name and password"),
    ))]
pub(super) async fn list_own(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Json<CredentialList>, ApiError> {
    let of = own_person(&caller)?;
    Ok(Json(CredentialList { credentials: server.credentials_for(&caller, Some(of)).await? }))
}

/// Make a token for a program of one's own; it may do at most what its person may.
#[utoipa::path(post, path = "/api/v1/account/credentials", tag = "access", params(Person),
    request_body = CredentialRequest,
    responses(
        (status = 201, body = MadeCredential),
        (status = 409, body = ErrorBody, description = "Not signed in by name and password"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn post_own(
    State(server): State<Server>,
    caller: Caller,
    person: Person,
    Body(request): Body<CredentialRequest>,
) -> Result<(StatusCode, Json<MadeCredential>), ApiError> {
    let made = server.make_own_token(&caller, request, &server.act(&person)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// End one of one's own sessions, or take a token back.
#[utoipa::path(delete, path = "/api/v1/account/credentials/{credential_id}", tag = "access",
    params(("credential_id" = CredentialId, Path), Person),
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Not signed in by name and password"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn delete_own(
    State(server): State<Server>,
    caller: Caller,
    person: Person,
    Named(credential_id): Named<CredentialId>,
) -> Result<StatusCode, ApiError> {
    let of = own_person(&caller)?;
    server.revoke(credential_id, Some(of), &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An agent shows its join token, once, and gets a credential of its own.
#[utoipa::path(post, path = "/api/v1/agents/enrol", tag = "agents", request_body = EnrolRequest,
    responses(
        (status = 201, body = Enrolled),
        (status = 410, body = ErrorBody, description = "It was used, revoked, or has run out"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn enrol(
    State(server): State<Server>,
    Body(request): Body<EnrolRequest>,
) -> Result<(StatusCode, Json<Enrolled>), ApiError> {
    Ok((StatusCode::CREATED, Json(server.enrol(&request).await?)))
}
