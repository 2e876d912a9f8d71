//! Who makes a request.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, StatusCode, request::Parts},
};
use protocol::{
    access::{Role, SignedInAs},
    id::{CredentialId, PersonId},
};

use super::{roles::word, unauthenticated};
use crate::{error::ApiError, state::Server};

/// Who makes a request, as far as it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody who may do anything.
    Nobody,
    /// Anybody: the server asks for nothing.
    Open,
    /// Somebody who has the server's own token.
    Master,
    /// A person who signed in.
    Person {
        /// Their session.
        credential_id: CredentialId,
        /// Who they are.
        person_id: PersonId,
        /// Their name.
        name: String,
        /// What they may do now.
        role: Role,
    },
    /// A program.
    Token {
        /// What it showed.
        credential_id: CredentialId,
        /// For whom it acts; none where it acts by itself.
        person_id: Option<PersonId>,
        /// The person's name, or the program's.
        name: String,
        /// What it may do now.
        role: Role,
    },
    /// An agent of the older pull API, from a network that needs to show nothing.
    Network,
    /// An agent with a credential of its own.
    Agent {
        /// What it showed.
        credential_id: CredentialId,
        /// Its name.
        name: String,
    },
}

impl Caller {
    /// What they may do.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Nobody => None,
            Self::Open | Self::Master => Some(Role::Admin),
            Self::Person { role, .. } | Self::Token { role, .. } => Some(*role),
            Self::Agent { .. } | Self::Network => Some(Role::Agent),
        }
    }

    /// The name that is recorded with what they do; none where they say it themselves.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Nobody | Self::Open | Self::Master | Self::Network => None,
            Self::Person { name, .. } | Self::Token { name, .. } | Self::Agent { name, .. } => {
                Some(name)
            }
        }
    }

    /// How they were let in.
    #[must_use]
    pub fn signed_in_as(&self) -> Option<SignedInAs> {
        match self {
            Self::Nobody | Self::Network => None,
            Self::Open => Some(SignedInAs::Anybody),
            Self::Master => Some(SignedInAs::ServerToken),
            Self::Person { .. } => Some(SignedInAs::Person),
            Self::Token { .. } => Some(SignedInAs::Token),
            Self::Agent { .. } => Some(SignedInAs::Agent),
        }
    }

    /// What they showed, where it was made here.
    #[must_use]
    pub fn credential_id(&self) -> Option<CredentialId> {
        match self {
            Self::Nobody | Self::Open | Self::Master | Self::Network => None,
            Self::Person { credential_id, .. }
            | Self::Token { credential_id, .. }
            | Self::Agent { credential_id, .. } => Some(*credential_id),
        }
    }

    /// Whose a lease is that they are granted: only the same holder may use it.
    #[must_use]
    pub fn holder(&self) -> String {
        match self.credential_id() {
            Some(it) => it.to_string(),
            None if *self == Self::Master => "server_token".to_owned(),
            None => "anybody".to_owned(),
        }
    }

    /// Refuses them where they may not do what asks for this role.
    ///
    /// # Errors
    /// 401 if they are nobody, 403 if their role is another.
    pub fn check(&self, needed: Role) -> Result<(), ApiError> {
        match self.role() {
            Some(role) if role.includes(needed) => Ok(()),
            Some(role) => Err(forbidden(format!(
                "this asks for the role {}, and you are signed in as {}; an admin can change that \
                 on the page People and access",
                word(needed),
                word(role)
            ))),
            None => Err(unauthenticated(
                "this server asks who comes: sign in on the page, or send the header \
                 `Authorization: Bearer TOKEN` with a token that the page People and access made, \
                 or with what the file of --token-file holds",
            )),
        }
    }
}

/// 403: known, but not for this.
pub(crate) fn forbidden(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
}

impl FromRequestParts<Server> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _server: &Server) -> Result<Self, ApiError> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self::Nobody))
    }
}

/// From where a request came, where a proxy in front says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// From where a request came; empty where that is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address(pub String);

/// From where a request came, where that is known.
pub(crate) fn ip(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<Peer>().map(|it| it.0);
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
    peer.or(connected).map(|it| it.to_canonical())
}

impl Address {
    fn of(extensions: &Extensions) -> Self {
        Self(ip(extensions).map(|it| it.to_string()).unwrap_or_default())
    }
}

impl FromRequestParts<Server> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _server: &Server) -> Result<Self, ApiError> {
        Ok(Self::of(&parts.extensions))
    }
}
