//! What the OpenAPI document says of every route alike: who is let in, and how a refusal looks.

use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    path::Operation,
    security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::access::OPEN_ROUTES;

/// Name of the token among the document's security schemes.
const TOKEN: &str = "token";

/// Adds what holds for all routes: the token, and the answers of the checks before any handler.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description =
        Some("What the file of --token-file holds; only where one is set.".to_owned());
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    let optional: Vec<String> = components
        .schemas
        .iter()
        .filter(|(_, it)| asks_nothing(it))
        .map(|it| it.0.clone())
        .collect();
    for (path, item) in &mut document.paths.paths {
        let is_open = OPEN_ROUTES.contains(&path.as_str());
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete]
                .into_iter()
                .flatten();
        for operation in operations {
            describe(operation, is_open);
            describe_body(operation, &optional);
        }
    }
    document
}

fn describe(operation: &mut Operation, is_open: bool) {
    let answers = &mut operation.responses.responses;
    let mut add = |status: &str, text: &str| {
        answers.entry(status.to_owned()).or_insert_with(|| RefOr::T(refusal(text)));
    };
    add(
        "403",
        "The server is not reached under this name, or the calling page is of another origin",
    );
    if is_open {
        operation.security = Some(Vec::new());
    } else {
        add("401", "The server asks for its token");
        // Either of them: a server without --token-file asks for nothing.
        let none = SecurityRequirement::default();
        operation.security =
            Some(vec![none, SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])]);
    }
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
