//! The committed OpenAPI document is the one the code has.

use std::path::Path;

#[test]
fn the_committed_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let generated = server::routes::openapi().to_pretty_json().unwrap();
    assert!(
        committed.trim_end() == generated,
        "openapi.json is not up to date: run `make openapi` and commit it"
    );
}

#[test]
fn the_document_is_openapi_3_1_and_describes_every_error() {
    let document: serde_json::Value =
        serde_json::from_str(&server::routes::openapi().to_json().unwrap()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/api/v1/jobs",
        "/api/v1/jobs/{job_id}/initial-mask",
        "/api/v1/jobs/{job_id}/propagate",
        "/api/v1/jobs/{job_id}/status",
        "/api/v1/jobs/{job_id}/result",
        "/health",
        "/api/v1/system/status",
        "/api/v1/system/gpu",
        "/api/v1/system/jobs/active",
        "/api/v1/system/model",
        "/api/v1/system/model/reload",
        "/api/v1/system/cleanup",
        "/events/stream",
    ] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap();
            let has_parameter = path.contains("{job_id}") || path.contains("{task_id}");
            assert!(!has_parameter || answers.contains_key("404"), "{method} {path} has no 404");
        }
    }
}
