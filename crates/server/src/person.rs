//! Who acts: as they signed in, or, where nobody has to, as they say.

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, Uri, request::Parts},
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{access::Caller, error::ApiError, state::Server, store::Act};

/// The header that names them.
pub(crate) const HEADER: &str = "voxloop-person";

/// Longest name, in characters.
const MAX_CHARS: usize = 100;

/// Who makes a call that changes something.
#[derive(Debug, Clone, Default, PartialEq, Eq, IntoParams)]
#[into_params(names("Voxloop-Person"), parameter_in = Header)]
pub struct Person(
    /// Who acts, where nobody signed in by name: at most 100 characters, percent-encoded UTF-8. It is
    /// recorded with what is changed, and not checked.
    #[param(required = false)]
    pub String,
);

impl Person {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut given = headers.get_all(HEADER).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return match headers.contains_key(HEADER) {
                true => Err(refused("send one name")),
                false => Ok(Self::default()),
            };
        };
        let text = value.to_str().map_err(|_not_ascii| refused("percent-encode the name"))?;
        let name = percent_decode_str(text)
            .decode_utf8()
            .map_err(|_not_utf8| refused("percent-encode the name's UTF-8"))?;
        Self::named("Voxloop-Person", &name)
    }

    /// Somebody with the name that `field` says.
    fn named(field: &str, name: &str) -> Result<Self, ApiError> {
        let name = name.trim();
        if name.chars().count() > MAX_CHARS || name.chars().any(char::is_control) {
            return Err(ApiError::invalid(
                field,
                "a name has at most 100 characters, none of them a control character",
            ));
        }
        Ok(Self(name.to_owned()))
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::invalid("Voxloop-Person", message)
}

/// Who takes a file away. A plain link sends no header of its own: it may say so in the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taker(pub Person);

/// The name in the query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TakerQuery {
    /// Who takes the file away, where no header `Voxloop-Person` says so: a name of at most 100
    /// characters, for plain links. It is recorded in the audit list, and not checked.
    person: Option<String>,
}

impl Taker {
    fn of(headers: &HeaderMap, uri: &Uri) -> Result<Self, ApiError> {
        let by_header = Person::of(headers)?;
        let Query(TakerQuery { person }) = Query::try_from_uri(uri)
            .map_err(|_twice_or_not_utf8| ApiError::invalid("person", "send one name in UTF-8"))?;
        let by_query = Person::named("person", &person.unwrap_or_default())?;
        match headers.contains_key(HEADER) {
            true => Ok(Self(by_header)),
            false => Ok(Self(by_query)),
        }
    }
}

impl FromRequestParts<Server> for Taker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _server: &Server) -> Result<Self, ApiError> {
        Self::of(&parts.headers, &parts.uri)
    }
}

impl FromRequestParts<Server> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _server: &Server) -> Result<Self, ApiError> {
        match parts.extensions.get::<Caller>().and_then(Caller::name) {
            Some(name) => Ok(Self(name.to_owned())),
            None => Self::of(&parts.headers),
        }
    }
}

impl Server {
    /// That this person acts now.
    #[must_use]
    pub fn act(&self, person: &Person) -> Act {
        Act { by: person.0.clone(), now_ms: self.now_ms() }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn person(value: &str) -> Result<String, ApiError> {
        let headers = HeaderMap::from_iter([(
            HEADER.parse().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )]);
        Person::of(&headers).map(|it| it.0)
    }

    #[test]
    fn a_name_may_be_in_any_script() {
        assert_eq!(person("Dr.%20Kim").as_deref(), Ok("Dr. Kim"));
        assert_eq!(person("%EA%B9%80%EC%98%81%ED%9D%AC").as_deref(), Ok("김영희"));
        assert_eq!(person("plain name ").as_deref(), Ok("plain name"));
        assert_eq!(person("").as_deref(), Ok(""));
        assert_eq!(Person::of(&HeaderMap::new()), Ok(Person::default()));
        assert_eq!(person(&"%EA%B9%80".repeat(100)).map(|it| it.chars().count()), Ok(100));
    }

    #[test]
    fn a_link_names_whoever_follows_it() {
        let taker = |headers: &HeaderMap, uri: &'static str| {
            Taker::of(headers, &Uri::from_static(uri)).map(|it| it.0.0)
        };
        let nobody = HeaderMap::new();
        assert_eq!(taker(&nobody, "/file?label=2"), Ok(String::new()));
        let kim = "/file?label=2&person=%EA%B9%80%20%EC%98%81%ED%9D%AC";
        assert_eq!(taker(&nobody, kim).as_deref(), Ok("김 영희"));
        let header = HeaderMap::from_iter([(
            HEADER.parse().unwrap(),
            HeaderValue::from_static("Dr.%20Lee"),
        )]);
        assert_eq!(taker(&header, kim).as_deref(), Ok("Dr. Lee"));
        let long = Uri::try_from(format!("/file?person={}", "x".repeat(101))).unwrap();
        for refused in [
            taker(&nobody, "/file?person=a%0Ab").unwrap_err(),
            taker(&nobody, "/file?person=a&person=b").unwrap_err(),
            Taker::of(&nobody, &long).unwrap_err(),
        ] {
            assert_eq!(refused.detail().field.as_deref(), Some("person"));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for value in ["%ff", "a%0Ab", "김", &"x".repeat(101), &"%EA%B9%80".repeat(101)] {
            assert!(person(value).unwrap_err().detail().field.is_some(), "{value}");
        }
        let mut two = HeaderMap::new();
        for name in ["A", "B"] {
            two.append(HEADER, HeaderValue::from_str(name).unwrap());
        }
        Person::of(&two).unwrap_err();
    }
}
