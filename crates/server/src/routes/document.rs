//! What the OpenAPI document says of every route alike: who is let in, and how a refusal looks.

use axum::http::Method;
use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    extensions::ExtensionsBuilder,
    path::Operation,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::access::roles::{Need, needed};

/// Names of the document's security schemes.
const TOKEN: &str = "token";
const SESSION: &str = "session";

/// Adds what holds for all routes: the token, and the answers of the checks before any handler.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description =
        Some("A token that was made here, or what the file of --token-file holds.".to_owned());
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
        "voxloop_session",
        "A browser's, after signing in; the server's port follows the name where it has one.",
    ));
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(cookie));
    let optional: Vec<String> = components
        .schemas
        .iter()
        .filter(|(_, it)| asks_nothing(it))
        .map(|it| it.0.clone())
        .collect();
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::PUT, &mut item.put),
            (Method::POST, &mut item.post),
            (Method::DELETE, &mut item.delete),
            (Method::HEAD, &mut item.head),
            (Method::PATCH, &mut item.patch),
        ];
        let operations =
            operations.into_iter().filter_map(|(method, it)| Some((method, it.as_mut()?)));
        for (method, operation) in operations {
            describe(operation, needed(&method, path));
            describe_body(operation, &optional);
        }
    }
    document
}

fn describe(operation: &mut Operation, need: Need) {
    let answers = &mut operation.responses.responses;
    let mut add = |status: &str, text: &str| {
        answers.entry(status.to_owned()).or_insert_with(|| RefOr::T(refusal(text)));
    };
    let Need::Role(role) = need else {
        add(
            "403",
            "The server is not reached under this name, or the calling page is of another origin",
        );
        operation.security = Some(Vec::new());
        return;
    };
    add(
        "403",
        "The role is another, the server is not reached under this name, or the calling page is of \
         another origin",
    );
    add("401", "The server asks who comes");
    // Any of them: a server on loopback asks for nothing until there is a token or a person.
    let of = |scheme| SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []);
    operation.security = Some(vec![SecurityRequirement::default(), of(TOKEN), of(SESSION)]);
    let role = ExtensionsBuilder::new().add("x-role", serde_json::json!(role)).build();
    operation.extensions.get_or_insert_default().merge(role);
}

/// Bodies are limited; one whose fields may all be left out may itself be left out.
fn describe_body(operation: &mut Operation, optional: &[String]) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let answers = &mut operation.responses.responses;
    answers.entry("413".to_owned()).or_insert_with(|| RefOr::T(refusal("The body is too large")));
    let is_optional = body.content.values().all(|it| {
        let RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) = it else { return false };
        optional.iter().any(|name| schema.ref_location.ends_with(&format!("/{name}")))
    });
    if is_optional {
        body.required = Some(Required::False);
    }
}

/// Whether a schema is that of an object without required fields.
fn asks_nothing(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(it)) if !it.properties.is_empty() && it.required.is_empty())
}

fn refusal(text: &str) -> Response {
    let body = Content::new(Some(RefOr::Ref(Ref::from_schema_name("ErrorBody"))));
    ResponseBuilder::new().description(text).content("application/json", body).build()
}
