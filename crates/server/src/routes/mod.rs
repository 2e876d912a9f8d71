//! Routes: one file per resource. A handler parses, calls, answers.

mod agents;
mod audit;
mod credentials;
mod devices;
mod diagnosis;
mod document;
mod events;
mod exports;
mod jobs;
mod labels;
mod masks;
mod measures;
mod operations;
mod output_log;
mod page;
mod pathology;
mod people;
mod requests;
mod results;
mod reviews;
mod revisions;
mod session;
mod system;
mod tasks;
mod transfers;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use tower_http::compression::{
    CompressionLayer,
    predicate::{NotForContentType, Predicate, SizeAbove},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{access, drain, forwarded, guard, state::Server};

pub(crate) use page::has_page;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "voxloop",
        description = "Segment medical images together with AI. Coordinates are voxel indices of \
                       the stored image; on stored axis a, x and y are the other two axes in \
                       ascending order; box corners are inclusive.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "jobs", description = "Open images, list, look at and delete jobs"),
        (name = "masks", description = "Ask for masks, edit them, look at them"),
        (name = "results", description = "Measure objects, take masks, surfaces and pictures away"),
        (name = "review", description = "Hand masks over, accept and compare them, look who did what"),
        (name = "tasks", description = "What is queued, running and done"),
        (name = "requests", description = "Runs of a laboratory's own programs"),
        (name = "pathology", description = "The older pull API, on the same tasks as requests"),
        (name = "events", description = "Every change as it happens"),
        (name = "system", description = "How the server is"),
        (name = "access", description = "Who may sign in, what they may do, and what programs show"),
        (name = "devices", description = "The machines that compute, as they are now"),
        (name = "agents", description = "The protocol of the programs that run tasks"),
    ),
    components(schemas(protocol::event::Event, protocol::system::ErrorBody))
)]
struct ApiDocument;

fn api() -> OpenApiRouter<Server> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        .merge(job_routes())
        .merge(mask_routes())
        .merge(result_routes())
        .merge(review_routes())
        .merge(task_routes())
        .merge(agent_routes())
        .merge(request_routes())
        .merge(pathology_routes())
        .merge(device_routes())
        .merge(system_routes())
        .merge(people_routes())
        .merge(credential_routes())
        .routes(routes!(events::stream))
}

fn job_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(jobs::list_jobs, jobs::create_job))
        .routes(routes!(jobs::open_sample))
        .routes(routes!(jobs::get_job, jobs::patch_job, jobs::delete_job))
        .routes(routes!(jobs::job_status))
        .routes(routes!(labels::put_labels))
        .routes(routes!(jobs::job_image))
        .routes(routes!(labels::list_label_sets, labels::post_label_set))
        .routes(routes!(labels::put_label_set, labels::delete_label_set))
}

fn mask_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(masks::prepare))
        .routes(routes!(masks::initial_mask))
        .routes(routes!(masks::propagate))
        .routes(routes!(operations::interpolate))
        .routes(routes!(operations::post_operation))
        .routes(routes!(results::mask))
        .routes(routes!(results::slice_png))
        .routes(routes!(revisions::put_prompt, revisions::delete_prompt))
        .routes(routes!(revisions::list_revisions, revisions::post_revision))
        .routes(routes!(revisions::put_head))
}

fn review_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(reviews::post_review))
        .routes(routes!(reviews::list_reviews))
        .routes(routes!(reviews::post_opinion))
        .routes(routes!(reviews::delete_opinion))
        .routes(routes!(reviews::compare))
        .routes(routes!(audit::list_audit))
}

fn result_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(results::result))
        .routes(routes!(measures::measurements))
        .routes(routes!(measures::surface))
        .routes(routes!(exports::export))
        .routes(routes!(exports::thumbnail))
}

fn task_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(tasks::list_tasks))
        .routes(routes!(tasks::task_rates))
        .routes(routes!(tasks::get_task))
        .routes(routes!(tasks::task_waiting))
        .routes(routes!(tasks::task_log))
        .routes(routes!(tasks::cancel_task))
        .routes(routes!(tasks::retry_task))
        .routes(routes!(tasks::put_priority))
        .routes(routes!(tasks::partial_mask))
        .routes(routes!(output_log::output_log))
}

fn agent_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(agents::claim))
        .routes(routes!(agents::heartbeat))
        .routes(routes!(output_log::append_log))
        .routes(routes!(transfers::input))
        .routes(routes!(transfers::output, transfers::output_offset, transfers::append_output))
        .routes(routes!(agents::complete))
        .routes(routes!(agents::fail))
}

fn request_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(requests::list_requests, requests::post_request))
        .routes(routes!(requests::get_request, requests::delete_request))
        .routes(routes!(requests::request_result))
        .routes(routes!(requests::request_file))
        .routes(routes!(requests::post_input))
        .routes(routes!(requests::put_input))
        .routes(routes!(requests::list_programs))
}

fn pathology_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(pathology::analyze))
        .routes(routes!(pathology::pending))
        .routes(routes!(pathology::list))
        .routes(routes!(pathology::get))
        .routes(routes!(pathology::update_status))
        .routes(routes!(pathology::complete))
}

fn device_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(devices::list_devices))
        .routes(routes!(devices::device_heartbeat))
        .routes(routes!(devices::delete_device))
}

fn system_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(system::health))
        .routes(routes!(system::status))
        .routes(routes!(system::gpu))
        .routes(routes!(system::active_jobs))
        .routes(routes!(system::model))
        .routes(routes!(system::reload_model))
        .routes(routes!(system::cleanup))
        .routes(routes!(diagnosis::diagnosis))
}

fn people_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(session::session, session::sign_in, session::sign_out))
        .routes(routes!(people::list_people))
        .routes(routes!(people::put_person, people::delete_person))
        .routes(routes!(people::invitation))
        .routes(routes!(people::accept))
        .routes(routes!(people::put_password))
}

fn credential_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(credentials::list_credentials, credentials::post_credential))
        .routes(routes!(credentials::delete_credential))
        .routes(routes!(credentials::list_own, credentials::post_own))
        .routes(routes!(credentials::delete_own))
        .routes(routes!(credentials::enrol))
}

/// The OpenAPI document of every route, as it is committed in `openapi.json`.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    document::complete(api().into_openapi())
}

/// The whole server as one service.
pub fn router(server: Server) -> Router {
    let (routes, document) = api().split_for_parts();
    let document = document::complete(document);
    // Streams must not wait in a compressor's buffer, and what is compressed already gains nothing.
    let worth_compressing = SizeAbove::new(1024)
        .and(NotForContentType::SSE)
        .and(NotForContentType::new("image/"))
        .and(NotForContentType::new("application/gzip"))
        .and(NotForContentType::new("application/zip"))
        .and(NotForContentType::new("application/octet-stream"));
    routes
        .route_layer(middleware::from_fn_with_state(server.clone(), access::check))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .route("/redoc", axum::routing::get(page::redoc))
        .fallback(page::page)
        .method_not_allowed_fallback(page::wrong_method)
        .layer(CompressionLayer::new().compress_when(worth_compressing))
        // Bodies are limited where they are read: uploads by MAX_UPLOAD, JSON by its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(server.clone(), guard::check_origin))
        .layer(middleware::from_fn_with_state(server.clone(), guard::check_host))
        .layer(middleware::from_fn_with_state(server.clone(), forwarded::understand))
        .layer(middleware::from_fn(guard::add_security_headers))
        .layer(middleware::from_fn(drain::read_the_rest))
        .with_state(server)
}
