//! Identifiers, each its own type so that one cannot be passed for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An identifier in a path, a body or a file was not of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} is not valid: expected {expected}, got `{got}`")]
pub struct InvalidId {
    kind: &'static str,
    expected: &'static str,
    got: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh identifier; identifiers made later sort later.
            #[must_use]
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_invalid| InvalidId {
                    kind: stringify!($name),
                    expected: "a UUID",
                    got: text.chars().take(64).collect(),
                })
            }
        }
    };
}

uuid_id!(
    /// One image under segmentation by a person.
    JobId
);
uuid_id!(
    /// One queued unit of work.
    TaskId
);
uuid_id!(
    /// One immutable state of a job's mask.
    RevisionId
);
uuid_id!(
    /// A process that claims tasks.
    AgentId
);
uuid_id!(
    /// One question for work; repeated, it gets the same task.
    ClaimId
);

uuid_id!(
    /// One line of the audit list.
    AuditId
);
uuid_id!(
    /// One step of a review.
    ReviewStepId
);
uuid_id!(
    /// A reader's opinion of a mask.
    OpinionId
);
uuid_id!(
    /// A list of objects kept for other jobs.
    LabelSetId
);
uuid_id!(
    /// A person who may sign in.
    PersonId
);
uuid_id!(
    /// Something that opens the server: a session, a token, an agent's credential.
    CredentialId
);

impl AgentId {
    /// The identifier of an agent that chose none: made of a digest of what it is known by.
    #[must_use]
    pub fn of_digest(digest: [u8; 32]) -> Self {
        let (half, _) = digest.split_at(16);
        Self(uuid::Builder::from_custom_bytes(half.try_into().unwrap_or_default()).into_uuid())
    }
}

/// The SHA-256 of some bytes in lower-case hexadecimal: the name of a blob, and of the image in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Sha256(String);

impl Sha256 {
    /// Wraps a digest that was just computed.
    #[must_use]
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Sha256 {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let is_digest =
            text.len() == 64 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if is_digest {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId {
                kind: "Sha256",
                expected: "64 lower-case hexadecimal digits",
                got: text.chars().take(80).collect(),
            })
        }
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_that_is_no_digest_is_refused() {
        for text in ["", "../../etc/passwd", &"A".repeat(64), &"a".repeat(63)] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
        assert_eq!(Sha256::from_digest([0xab; 32]).as_str(), "ab".repeat(32));
    }
}
