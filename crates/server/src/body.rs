//! Bodies of requests: JSON, or a form with the same fields; errors name the field.

use std::fmt::Display;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
};
use futures::StreamExt;
use protocol::system::Reason;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    error::ApiError,
    form::{Form, Part},
    state::Server,
};

/// A body as JSON, or as a form (`application/x-www-form-urlencoded`, `multipart/form-data`) whose
/// values are read as JSON where they are JSON.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Server> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, server: &Server) -> Result<Self, ApiError> {
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or("application/json")
            .to_ascii_lowercase();
        let limit = server.settings.max_json_bytes;
        if content_type.starts_with("multipart/form-data") {
            return from_form(multipart_fields(request, limit).await?).map(Self);
        }
        let bytes = axum::body::to_bytes(request.into_body(), limit)
            .await
            .map_err(|_too_long| too_large(limit))?;
        if content_type.starts_with("application/x-www-form-urlencoded") {
            from_form(form_fields(&bytes)?).map(Self)
        } else if content_type.contains("json") {
            from_value(json(&bytes)?).map(Self)
        } else {
            Err(ApiError::invalid("content-type", "send the body as application/json or as a form"))
        }
    }
}

/// Names and texts of a form.
type Fields = Vec<(String, String)>;

/// Reads a form. A text such as `12` is a number where a number fits, and a text where only that
/// does.
fn from_form<T: DeserializeOwned>(fields: Fields) -> Result<T, ApiError> {
    let guessed = fields.iter().map(|(name, text)| (name.clone(), form_value(text)));
    from_value(guessed.collect::<Map<_, _>>().into()).or_else(|error| {
        let texts = fields.into_iter().map(|(name, text)| (name, Value::String(text)));
        from_value(texts.collect::<Map<_, _>>().into()).map_err(|_less_fitting| error)
    })
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("the body is larger than the limit of {limit} bytes (MAX_JSON)"),
    )
    .because(Reason::TooLarge, [("limit", limit.to_string())])
}

/// An empty body stands for an object without fields.
fn json(bytes: &[u8]) -> Result<Value, ApiError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(bytes).map_err(|it| ApiError::invalid("body", it.to_string()))
}

fn form_fields(bytes: &[u8]) -> Result<Fields, ApiError> {
    serde_urlencoded::from_bytes(bytes).map_err(|it| ApiError::invalid("body", it.to_string()))
}

async fn multipart_fields(request: Request, limit: usize) -> Result<Fields, ApiError> {
    let mut form = Form::of(request, "body").await?;
    let mut fields = Fields::new();
    let mut n_bytes = 0;
    while let Some(part) = form.next().await? {
        let name = part.name().unwrap_or_default().to_owned();
        n_bytes += name.len();
        let room = limit.checked_sub(n_bytes).ok_or_else(|| too_large(limit))?;
        let text = part_text(part, room).await?;
        n_bytes += text.len();
        fields.push((name, text));
    }
    Ok(fields)
}

/// The text of a form's part, of at most `limit` bytes.
pub(crate) async fn part_text(mut part: Part<'_>, limit: usize) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|it| ApiError::invalid("body", it.body_text()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|it| ApiError::invalid("body", it.to_string()))
}

/// A form's value: a number, list or truth value where it reads as one, else text.
fn form_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_no_json| Value::String(text.to_owned()))
}

/// Reads a value; an error names the field it is about.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|it| refused(it, "body"))
}

/// As [`from_value`], from a query's names and texts.
fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|it| refused(it, "query"))
}

/// A value that does not read as what is expected; `whole` is what it lies in.
fn refused(error: serde_path_to_error::Error<impl Display>, whole: &str) -> ApiError {
    let path = error.path().to_string();
    let message = error
        .into_inner()
        .to_string()
        .replace("expected u8", "expected a whole number 0–255")
        .replace("expected u32", "expected a whole number, 0 or more")
        .replace("invalid digit found in string", "expected a whole number, 0 or more")
        .replace("number too large to fit in target type", "the number is too large");
    ApiError::invalid(&field_of(&path, &message, whole), message)
}

/// serde names a missing or unknown field only in its message.
fn field_of(path: &str, message: &str, whole: &str) -> String {
    let named = message
        .strip_prefix("missing field `")
        .or_else(|| message.strip_prefix("unknown field `"))
        .or_else(|| message.strip_prefix("duplicate field `"))
        .and_then(|it| it.split('`').next());
    match (path, named) {
        ("." | "", Some(name)) => name.to_owned(),
        ("." | "", None) => whole.to_owned(),
        // The path of an unknown field ends in its name already.
        (path, Some(name)) if path.rsplit('.').next() != Some(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    }
}

/// Parts of the path; what does not read as an identifier names nothing: 404.
#[derive(Debug)]
pub(crate) struct Named<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Server> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, ApiError> {
        Path::<T>::from_request_parts(parts, server)
            .await
            .map(|Path(it)| Self(it))
            .map_err(|it| ApiError::not_found(format!("nothing has this name: {}", it.body_text())))
    }
}

/// The query; errors are 422 and name the field.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Server> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _server: &Server) -> Result<Self, ApiError> {
        from_query(parts.uri.query().unwrap_or("")).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Example {
        axis: u8,
        #[serde(rename = "box")]
        bounds: Option<[f64; 4]>,
        name: Option<String>,
    }

    fn check_form(form: &str, expected: &Example) {
        let value = form_fields(form.as_bytes()).unwrap();
        assert_eq!(from_form::<Example>(value).as_ref(), Ok(expected));
    }

    #[test]
    fn a_form_reads_like_json() {
        let expected =
            Example { axis: 2, bounds: Some([1.0, 2.0, 3.0, 4.5]), name: Some("a b".to_owned()) };
        check_form("axis=2&box=%5B1,2,3,4.5%5D&name=a+b", &expected);
        let json = br#"{"axis":2,"box":[1,2,3,4.5],"name":"a b"}"#;
        assert_eq!(from_value::<Example>(super::json(json).unwrap()), Ok(expected));
    }

    #[test]
    fn errors_name_the_field() {
        let error = from_value::<Example>(serde_json::json!({ "axis": -1 })).unwrap_err();
        assert!(format!("{error:?}").contains("field: Some(\"axis\")"), "{error:?}");
        let error = from_value::<Example>(serde_json::json!({})).unwrap_err();
        assert!(format!("{error:?}").contains("field: Some(\"axis\")"), "{error:?}");
        let error = from_value::<Example>(serde_json::json!({ "axis": 1, "box": [1, 2, "x", 4] }));
        assert!(format!("{error:?}").contains("field: Some(\"box[2]\")"), "{error:?}");
    }
}
