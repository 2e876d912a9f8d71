//! The page and the documentation viewers, out of the binary.

use axum::{
    http::{Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;

/// What `npm run build` made of `web/`.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Assets;

/// `ReDoc` as its package ships it.
const REDOC: &str = "assets/redoc.standalone.js";

const NOT_BUILT: &str = "<!doctype html><title>voxloop</title><p>This binary was built without its \
    page. Build the page first (<code>npm ci && npm run build</code> in <code>web/</code>), then \
    the binary, or run <code>make run</code>. The API works: see <a href=\"/docs\">/docs</a>.";

/// Whether the page was built before the binary.
pub(crate) fn has_page() -> bool {
    Assets::get("index.html").is_some()
}

/// A file of the page; any other path is one of the page's own routes.
pub(super) async fn page(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Assets::get(path).filter(|_| !path.is_empty()) {
        return answer(path, file);
    }
    let is_page = !["api/", "assets/", "events/"].iter().any(|it| path.starts_with(it));
    if !is_page || !matches!(method, Method::GET | Method::HEAD) {
        return ApiError::not_found("there is nothing at this address").into_response();
    }
    match Assets::get("index.html") {
        Some(file) => answer("index.html", file),
        None => (StatusCode::OK, Html(NOT_BUILT)).into_response(),
    }
}

fn answer(path: &str, file: EmbeddedFile) -> Response {
    // The names under assets/ carry a digest of their content, but for the copied bundle.
    let cache = if path.starts_with("assets/") && path != REDOC {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
    ];
    (headers, file.data).into_response()
}

/// The API's reference in `ReDoc`.
pub(super) async fn redoc() -> impl IntoResponse {
    // ReDoc builds a worker from a blob and styles itself inline.
    let policy = "default-src 'self'; script-src 'self'; worker-src 'self' blob:; \
                  style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:";
    let page = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
        <title>voxloop API</title></head><body><redoc spec-url=\"/openapi.json\" \
        disable-search=\"false\"></redoc><script src=\"/assets/redoc.standalone.js\"></script>\
        </body></html>";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page))
}

/// The path exists, but not for this method.
pub(super) async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not answer to this method; /docs lists those that it answers to",
    )
}
