//! People, roles, and what they and their programs show to be let in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{CredentialId, PersonId};

/// What somebody may do. Each role may do what those before it may; `agent` stands beside them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Run tasks: claim them, fetch their inputs, deliver.
    Agent,
    /// Look at everything.
    Viewer,
    /// Open images, prompt, edit.
    Annotator,
    /// Accept and reject, read the audit list, order the queue.
    Reviewer,
    /// Everything, people and credentials included.
    Admin,
}

impl Role {
    /// Whether this role may do what `needed` may.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        match (self, needed) {
            (Self::Admin, _) | (Self::Agent, Self::Agent) => true,
            (Self::Agent, _) | (_, Self::Agent) => false,
            _ => self >= needed,
        }
    }
}

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A browser that signed in.
    Session,
    /// A program that acts for a person, or by itself.
    Token,
    /// An agent.
    Agent,
    /// Lets one agent enrol, once.
    Join,
    /// Lets one person in, once, or lets them choose a new password.
    Invite,
}

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Its identifier.
    pub person_id: PersonId,
    /// What they sign in with; what they do is recorded under it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// They may not sign in, and their tokens open nothing.
    pub disabled: bool,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// When they, or a program of theirs, last called, milliseconds since 1970; within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<i64>,
}

/// Something that opens the server, without the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// Its identifier.
    pub credential_id: CredentialId,
    /// What it is for.
    pub kind: CredentialKind,
    /// Name for people.
    pub name: String,
    /// What it lets do: of a session the person's role now, of an invitation the role it gives.
    pub role: Role,
    /// Whose it is; none for agents, and for programs that act by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
    /// Who made it.
    pub made_by: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last shown, milliseconds since 1970; within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<i64>,
    /// Until when it opens anything, milliseconds since 1970; for ever where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// It is the one that this request showed.
    #[serde(default)]
    pub is_this: bool,
}

/// Asks for a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialRequest {
    /// `token`, `agent`, `join` or `invite`.
    pub kind: CredentialKind,
    /// Name for people: the program's, the agent's; at most 100 characters.
    #[serde(default)]
    pub name: String,
    /// What a token lets do, or the role that an invitation gives; `viewer` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Of an invitation: whose password is chosen anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
    /// Hours until it opens nothing any more. `join` and `invite`: 24 and 168 where nothing is said;
    /// the others: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_hours: Option<u32>,
}

/// A credential that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeCredential {
    /// What it is.
    pub credential: Credential,
    /// What opens the server; shown this once.
    pub secret: String,
}

/// What the server keeps, listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialList {
    /// Those that still open something, the newest first.
    pub credentials: Vec<Credential>,
}

/// The people who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountList {
    /// By name.
    pub people: Vec<Account>,
}

/// Changes what a person may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// What they may do from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether they are shut out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// An agent shows the token that lets it enrol.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnrolRequest {
    /// The join token.
    pub join: String,
    /// The agent's name for people.
    #[serde(default)]
    pub name: String,
}

/// What an agent shows from now on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enrolled {
    /// Its credential's identifier.
    pub credential_id: CredentialId,
    /// Its credential; shown this once.
    pub token: String,
}

/// Somebody opens an invitation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteRequest {
    /// What stands after `#` in the link.
    pub invite: String,
}

/// What an invitation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The role that it gives.
    pub role: Role,
    /// Who chooses a new password; none where somebody new comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Until when, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// Somebody takes an invitation up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptRequest {
    /// What stands after `#` in the link.
    pub invite: String,
    /// The name to sign in with, at most 100 characters; not asked of somebody who has one.
    #[serde(default)]
    pub name: String,
    /// At least 10 characters, the name not among them.
    pub password: String,
}

/// Chooses another password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordRequest {
    /// The one until now.
    pub current: String,
    /// At least 10 characters, the name not among them.
    pub new: String,
}

/// How a client was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedInAs {
    /// By nothing: the server asks for nothing.
    Anybody,
    /// By the server's own token.
    ServerToken,
    /// By name and password.
    Person,
    /// By a token that was made here.
    Token,
    /// As an agent.
    Agent,
}

/// A way to sign in on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// Name and password of a person.
    Password,
    /// The server's own token.
    Token,
}

/// Whether a client may use the API, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The server asks who comes.
    pub token_required: bool,
    /// This client may use the API: it has shown who it is, or nothing is asked for.
    pub signed_in: bool,
    /// What it can show to sign in.
    pub ways: Vec<SignInWay>,
    /// How this client was let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_as: Option<SignedInAs>,
    /// What it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Under which name what it does is recorded; none where it says so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Signs a browser in: with name and password, or with the server's token.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    /// The server's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Role::{self, Admin, Agent, Annotator, Reviewer, Viewer};

    #[test]
    fn an_agent_stands_beside_people_and_below_admins() {
        let all = [Agent, Viewer, Annotator, Reviewer, Admin];
        let may = |role: Role| all.map(|needed| role.includes(needed));
        assert_eq!(may(Agent), [true, false, false, false, false]);
        assert_eq!(may(Viewer), [false, true, false, false, false]);
        assert_eq!(may(Annotator), [false, true, true, false, false]);
        assert_eq!(may(Reviewer), [false, true, true, true, false]);
        assert_eq!(may(Admin), [true; 5]);
    }
}
