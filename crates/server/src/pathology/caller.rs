//! Which agent of the older kind calls. It says nothing of itself: it is known by what it shows and by
//! the name beside its token in the URL (`http://NAME:TOKEN@host`); one that has neither a name nor a
//! credential of its own by the address it comes from, which may change while another works.

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use base64::Engine as _;
use protocol::id::AgentId;
use sha2::{Digest, Sha256};

use crate::{
    access::{self, Caller},
    error::ApiError,
    state::Server,
};

/// What all routes of the older API begin with.
const ROUTES: &str = "/api/pathology/";

/// Routes for agents that show nothing, from networks that the setting names.
const AGENT_ROUTES: [&str; 3] = [
    "/api/pathology/pending-requests/",
    "/api/pathology/update-status/{request_id}/",
    "/api/pathology/complete-request/{request_id}/",
];

/// An agent of the older kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldAgent {
    /// Made of what it is known by: the same for each of its calls.
    pub(crate) agent_id: AgentId,
    /// Name for people.
    pub(crate) name: String,
    /// Whether it says a name in its URL.
    pub(crate) has_name: bool,
    /// Whether it has a credential of its own. Others may be many: they come from one address, or
    /// their URL, name included, was copied.
    pub(crate) is_one_agent: bool,
}

impl OldAgent {
    fn of(caller: &Caller, headers: &HeaderMap, address: &str) -> Self {
        let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let user = shown.and_then(basic).map(|(user, _)| user).unwrap_or_default();
        let is_one_agent = matches!(caller, Caller::Agent { .. });
        let place = if is_one_agent || !user.is_empty() { "" } else { address };
        let mut hasher = Sha256::new();
        for part in ["agent of the older kind", &user, &caller.holder(), place] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let name = match (caller.name(), user.is_empty(), address.is_empty()) {
            (_, false, _) => user.clone(),
            (Some(name), true, _) => name.to_owned(),
            (None, true, false) => format!("agent at {address}"),
            (None, true, true) => "agent".to_owned(),
        };
        let agent_id = AgentId::of_digest(hasher.finalize().into());
        Self { agent_id, name, has_name: !user.is_empty(), is_one_agent }
    }

    /// Whose its leases are: they cannot be used by the newer protocol.
    pub(crate) fn holder(&self) -> String {
        format!("older agent {}", self.agent_id)
    }
}

impl FromRequestParts<Server> for OldAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, server).await?;
        let address = access::ip(&parts.extensions).map(|it| it.to_string()).unwrap_or_default();
        Ok(Self::of(&caller, &parts.headers, &address))
    }
}

/// Name and token out of `Basic …`.
pub(crate) fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, secret) = text.split_once(':')?;
    // `http://TOKEN@host` puts the token where the name belongs.
    Some(match secret.is_empty() {
        true => (String::new(), user.to_owned()),
        false => (user.to_owned(), secret.to_owned()),
    })
}

/// Whether a route, as it is declared, belongs to the older API.
pub(crate) fn is_route(route: &str) -> bool {
    route.starts_with(ROUTES)
}

/// Whether a call that shows nothing is an agent's, from a network of `--legacy-agents`. What a proxy
/// passes on without saying for whom may be anybody's.
pub(crate) fn is_let_in(server: &Server, route: &str, extensions: &Extensions) -> bool {
    let settings = &server.settings;
    AGENT_ROUTES.contains(&route)
        && access::ip(extensions).is_some_and(|ip| {
            settings.legacy_agents.iter().any(|it| it.contains(&ip)) && !settings.is_proxy(ip)
        })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn agent(caller: &Caller, authorization: Option<&str>, address: &str) -> OldAgent {
        let encode = |it: &str| base64::engine::general_purpose::STANDARD.encode(it);
        let headers = authorization.map(|it| {
            let text = format!("Basic {}", encode(it));
            (header::AUTHORIZATION, HeaderValue::from_str(&text).unwrap())
        });
        OldAgent::of(caller, &HeaderMap::from_iter(headers), address)
    }

    #[test]
    fn an_agent_is_known_by_its_name_and_what_it_shows_wherever_it_is() {
        let here = agent(&Caller::Master, Some("lab-1:secret"), "10.0.0.1");
        assert_eq!((here.name.as_str(), here.is_one_agent), ("lab-1", false));
        let moved = agent(&Caller::Master, Some("lab-1:secret"), "10.0.0.2");
        assert_eq!(moved, here);
        for other in [
            agent(&Caller::Master, Some("lab-2:secret"), "10.0.0.1"),
            agent(&Caller::Network, Some("lab-1:secret"), "10.0.0.1"),
            agent(&Caller::Master, None, "10.0.0.1"),
        ] {
            assert_ne!(other.agent_id, here.agent_id, "{other:?}");
        }
        let nameless = agent(&Caller::Master, Some("secret:"), "10.0.0.1");
        assert_eq!((nameless.name.as_str(), nameless.is_one_agent), ("agent at 10.0.0.1", false));
        let elsewhere = agent(&Caller::Master, Some("secret:"), "10.0.0.2");
        assert_ne!(elsewhere.agent_id, nameless.agent_id);
        let enrolled = Caller::Agent {
            credential_id: protocol::id::CredentialId::fresh(),
            name: "gpu-box".to_owned(),
        };
        let at_home = agent(&enrolled, None, "10.0.0.1");
        assert_eq!((at_home.name.as_str(), at_home.is_one_agent), ("gpu-box", true));
        assert_eq!(agent(&enrolled, None, "10.0.0.2"), at_home);
    }

    #[test]
    fn what_is_no_basic_credential_is_none() {
        for text in ["Bearer abc", "Basic", "Basic ?", "Basic YWJj", "Basic /w=="] {
            assert_eq!(basic(text), None, "{text}");
        }
        let expected = Some(("a".to_owned(), "b:c".to_owned()));
        assert_eq!(basic("basic YTpiOmM="), expected);
    }
}
