//! Machines that compute: how they are, what they say, and their removal.

use axum::{Json, extract::State};
use protocol::{
    device::{Device, DeviceAnswer, DeviceHeartbeat},
    system::ErrorBody,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::{
    body::{Asked, Body, Named},
    error::ApiError,
    person::Person,
    state::Server,
};

/// What to say of each device.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceQuery {
    /// With how it was in the last twelve minutes.
    #[serde(default)]
    samples: bool,
}

/// Every device by its name; memory and disk in GB of 2³⁰ bytes.
#[utoipa::path(get, path = "/api/devices", tag = "devices", params(DeviceQuery),
    responses((status = 200, body = Vec<Device>), (status = 422, body = ErrorBody)))]
pub(super) async fn list_devices(
    State(server): State<Server>,
    Asked(query): Asked<DeviceQuery>,
) -> Result<Json<Vec<Device>>, ApiError> {
    Ok(Json(server.list_devices(query.samples).await?))
}

/// Say that a machine lives and how it is: `{host_id, …}` or `{device_name, gpus}`.
#[utoipa::path(post, path = "/api/devices/heartbeat", tag = "devices",
    request_body = DeviceHeartbeat,
    responses(
        (status = 200, body = DeviceAnswer),
        (status = 400, body = ErrorBody, description = "It says no name"),
        (status = 409, body = ErrorBody, description = "There are too many devices"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn device_heartbeat(
    State(server): State<Server>,
    Body(body): Body<Value>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let host_id = server.device_beat(body).await?;
    Ok(Json(DeviceAnswer { message: "Heartbeat received".to_owned(), host_id }))
}

/// Remove a device that has been silent for more than 60 s; everybody is told.
#[utoipa::path(delete, path = "/api/devices/{host_id}", tag = "devices",
    params(("host_id" = String, Path), Person),
    responses(
        (status = 200, body = DeviceAnswer),
        (status = 400, body = ErrorBody, description = "It was heard in the last 60 s"),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn delete_device(
    State(server): State<Server>,
    person: Person,
    Named(host_id): Named<String>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    server.remove_device(&host_id, &server.act(&person)).await?;
    Ok(Json(DeviceAnswer { message: "Device removed".to_owned(), host_id }))
}
