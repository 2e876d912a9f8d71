//! `/health` and `/api/v1/system`: how the server is.

use std::sync::Arc;

use axum::{Json, extract::State};
use protocol::{
    system::{Cleanup, EngineStatus, Gpu, Health, HostStatus},
    task::Task,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::ApiError, host, state::Server};

/// Whether the server is well.
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, body = Health)))]
pub(super) async fn health(State(server): State<Server>) -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_secs: (server.now_ms() - server.started_ms) / 1_000,
        gpu: crate::gpu::list().await.into_iter().next(),
        memory: host::memory(),
    })
}

/// CPU, memory and GPU of the server's machine.
#[utoipa::path(get, path = "/api/v1/system/status", tag = "system",
    responses((status = 200, body = HostStatus)))]
pub(super) async fn status(State(server): State<Server>) -> Result<Json<HostStatus>, ApiError> {
    Ok(Json(HostStatus {
        uptime_secs: (server.now_ms() - server.started_ms) / 1_000,
        n_cpus: host::n_cpus(),
        load_average: host::load_average(),
        memory: host::memory(),
        process_bytes: host::process_bytes(),
        gpus: crate::gpu::list().await,
        gpu_memory_limit: server.settings.gpu_memory_limit,
        max_concurrent_jobs: server.settings.max_concurrent_jobs,
        unfinished_tasks: server.store.unfinished_tasks(server.now_ms()).await?.len(),
    }))
}

/// The machine's GPUs; none is no error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GpuList {
    gpus: Vec<Gpu>,
}

/// The GPUs of the server's machine.
#[utoipa::path(get, path = "/api/v1/system/gpu", tag = "system",
    responses((status = 200, body = GpuList)))]
pub(super) async fn gpu() -> Json<GpuList> {
    Json(GpuList { gpus: crate::gpu::list().await })
}

/// What is running and what waits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActiveJobs {
    tasks: Vec<Task>,
}

/// The unfinished tasks, in the order in which they are granted.
#[utoipa::path(get, path = "/api/v1/system/jobs/active", tag = "system",
    responses((status = 200, body = ActiveJobs)))]
pub(super) async fn active_jobs(
    State(server): State<Server>,
) -> Result<Json<ActiveJobs>, ApiError> {
    Ok(Json(ActiveJobs { tasks: server.store.unfinished_tasks(server.now_ms()).await? }))
}

/// The engines, the best that is ready first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Engines {
    engines: Vec<EngineStatus>,
}

/// Which engines there are and whether they can run.
#[utoipa::path(get, path = "/api/v1/system/model", tag = "system",
    responses((status = 200, body = Engines)))]
pub(super) async fn model(State(server): State<Server>) -> Result<Json<Engines>, ApiError> {
    Ok(Json(Engines { engines: server.list_engines().await? }))
}

/// Read the engines' files anew, and say whether they can run now.
#[utoipa::path(post, path = "/api/v1/system/model/reload", tag = "system",
    responses((status = 200, body = Engines)))]
pub(super) async fn reload_model(State(server): State<Server>) -> Result<Json<Engines>, ApiError> {
    let engines = Arc::clone(&server.engines);
    tokio::task::spawn_blocking(move || engines.reload()).await?;
    Ok(Json(Engines { engines: server.list_engines().await? }))
}

/// Free memory and remove what nothing needs any more: decoded volumes, old events, files that
/// no job refers to.
#[utoipa::path(post, path = "/api/v1/system/cleanup", tag = "system",
    responses((status = 200, body = Cleanup)))]
pub(super) async fn cleanup(State(server): State<Server>) -> Result<Json<Cleanup>, ApiError> {
    Ok(Json(server.cleanup().await?))
}
