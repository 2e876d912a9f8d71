//! `/api/v1/people`, `/api/v1/invitation`, `/api/v1/account/password`: who may sign in.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use protocol::{
    access::{
        AcceptRequest, Account, AccountChange, AccountList, Invitation, InviteRequest,
        PasswordRequest,
    },
    id::PersonId,
    system::ErrorBody,
};

use super::session::{answer_to, signed_in};
use crate::{
    access::{Address, Caller},
    body::{Body, Named},
    error::ApiError,
    person::Person,
    state::Server,
};

/// Who may sign in.
#[utoipa::path(get, path = "/api/v1/people", tag = "access",
    responses((status = 200, body = AccountList)))]
pub(super) async fn list_people(
    State(server): State<Server>,
) -> Result<Json<AccountList>, ApiError> {
    Ok(Json(AccountList { people: server.store.people().await? }))
}

/// Give a person another role, shut them out, or let them in again.
#[utoipa::path(put, path = "/api/v1/people/{person_id}", tag = "access",
    params(("person_id" = PersonId, Path), Person), request_body = AccountChange,
    responses(
        (status = 200, body = Account),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Nobody would be left who is an admin"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn put_person(
    State(server): State<Server>,
    person: Person,
    Named(person_id): Named<PersonId>,
    Body(change): Body<AccountChange>,
) -> Result<Json<Account>, ApiError> {
    Ok(Json(server.change_person(person_id, &change, &server.act(&person)).await?))
}

/// Remove a person with all that lets them in. What they did stays, under their name.
#[utoipa::path(delete, path = "/api/v1/people/{person_id}", tag = "access",
    params(("person_id" = PersonId, Path), Person),
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Nobody would be left who is an admin"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn delete_person(
    State(server): State<Server>,
    person: Person,
    Named(person_id): Named<PersonId>,
) -> Result<StatusCode, ApiError> {
    server.remove_person(person_id, &server.act(&person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an invitation is about.
#[utoipa::path(post, path = "/api/v1/invitation", tag = "access", request_body = InviteRequest,
    responses(
        (status = 200, body = Invitation),
        (status = 410, body = ErrorBody, description = "It was used, revoked, or has run out"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn invitation(
    State(server): State<Server>,
    Body(request): Body<InviteRequest>,
) -> Result<Json<Invitation>, ApiError> {
    Ok(Json(server.invitation(&request.invite).await?))
}

/// Take an invitation up: choose name and password. The answer's cookie signs the browser in.
#[utoipa::path(post, path = "/api/v1/invitation/accept", tag = "access",
    request_body = AcceptRequest,
    responses(
        (status = 204),
        (status = 409, body = ErrorBody, description = "The name is taken"),
        (status = 410, body = ErrorBody, description = "It was used, revoked, or has run out"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn accept(
    State(server): State<Server>,
    address: Address,
    headers: HeaderMap,
    Body(request): Body<AcceptRequest>,
) -> Result<Response, ApiError> {
    let secret = server.accept(request, &address).await?;
    Ok(signed_in(&server, &headers, &secret))
}

/// Choose another password; other browsers are signed out.
#[utoipa::path(put, path = "/api/v1/account/password", tag = "access",
    request_body = PasswordRequest,
    responses(
        (status = 204),
        (status = 409, body = ErrorBody, description = "Not signed in by name and password"),
        (status = 422, body = ErrorBody),
        (status = 429, body = ErrorBody, description = "Too many failed: wait as `Retry-After` says"),
    ))]
pub(super) async fn put_password(
    State(server): State<Server>,
    caller: Caller,
    address: Address,
    Body(request): Body<PasswordRequest>,
) -> Result<Response, ApiError> {
    let changed = server.change_password(&caller, request, &address).await;
    answer_to(changed, |()| StatusCode::NO_CONTENT.into_response())
}
