//! Who acts: as they signed in, or, where nobody has to, as they say.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use percent_encoding::percent_decode_str;
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
        let name = name.trim();
        if name.chars().count() > MAX_CHARS || name.chars().any(char::is_control) {
            return Err(refused(
                "a name has at most 100 characters, none of them a control character",
            ));
        }
        Ok(Self(name.to_owned()))
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::invalid("Voxloop-Person", message)
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
