//! People and what opens the server: who is invited, what programs and agents show.

use protocol::{
    access::{
        Account, AccountChange, Credential, CredentialKind, CredentialRequest, EnrolRequest,
        Enrolled, Invitation, MadeCredential, Role,
    },
    id::{CredentialId, PersonId},
};

use crate::{
    access::{
        Caller,
        secret::{Secret, digest},
    },
    error::ApiError,
    state::Server,
    store::{Act, NewCredential, StoreError},
};

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// Hours in which a join token can be used, and an invitation, where nothing is said.
const JOIN_HOURS: u32 = 24;
const INVITE_HOURS: u32 = 7 * 24;
/// Ten years: more is for ever.
const MOST_HOURS: u32 = 10 * 366 * 24;

/// Characters of a name.
pub(crate) const MAX_NAME_CHARS: usize = 100;

/// Whether a name can be used, for a person or a credential.
///
/// # Errors
/// If it is empty, too long, or holds control characters.
pub fn checked_name(name: &str) -> Result<String, ApiError> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_plain = !name.chars().any(is_invisible);
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || !is_plain {
        let message = format!("a name has 1 to {MAX_NAME_CHARS} printable characters");
        return Err(ApiError::invalid("name", message));
    }
    Ok(name)
}

/// Whether a character shows nothing, or changes how others are shown: with it two names can look the
/// same (Unicode's control and format characters, and fillers).
pub(crate) fn is_invisible(it: char) -> bool {
    it.is_control()
        || matches!(
            it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        )
        || matches!(it, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(it, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}')
        || matches!(it, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

impl Server {
    /// Makes a credential, as an admin asks.
    pub(crate) async fn make_credential(
        &self,
        request: CredentialRequest,
        act: &Act,
    ) -> Result<MadeCredential, ApiError> {
        let role = request.role.unwrap_or(Role::Viewer);
        let (name, role) = match request.kind {
            CredentialKind::Session => {
                return Err(ApiError::invalid("kind", "sessions begin by signing in"));
            }
            CredentialKind::Token => (checked_name(&request.name)?, persons_role(role)?),
            CredentialKind::Agent => (checked_name(&request.name)?, Role::Agent),
            CredentialKind::Join if request.name.is_empty() => (String::new(), Role::Agent),
            CredentialKind::Join => (checked_name(&request.name)?, Role::Agent),
            CredentialKind::Invite => self.invited(&request, role).await?,
        };
        let person_id = request.person_id.filter(|_| request.kind == CredentialKind::Invite);
        self.made(request.kind, name, role, (person_id, request.expires_hours), act).await
    }

    /// Whom an invitation is for, and what it gives them.
    async fn invited(
        &self,
        request: &CredentialRequest,
        role: Role,
    ) -> Result<(String, Role), ApiError> {
        let people = self.store.people().await?;
        let Some(person_id) = request.person_id else {
            let is_first = !people.iter().any(|it| it.role == Role::Admin);
            if is_first && role != Role::Admin {
                return Err(StoreError::NoAdmin.into());
            }
            let name = request.name.as_str();
            let name = if name.is_empty() { String::new() } else { checked_name(name)? };
            return Ok((name, persons_role(role)?));
        };
        let person = people.into_iter().find(|it| it.person_id == person_id);
        let person = person.ok_or_else(|| ApiError::invalid("person_id", "nobody has this id"))?;
        Ok((person.name, person.role))
    }

    async fn made(
        &self,
        kind: CredentialKind,
        name: String,
        role: Role,
        (person_id, hours): (Option<PersonId>, Option<u32>),
        act: &Act,
    ) -> Result<MadeCredential, ApiError> {
        let usual = match kind {
            CredentialKind::Join => Some(JOIN_HOURS),
            CredentialKind::Invite => Some(INVITE_HOURS),
            CredentialKind::Session | CredentialKind::Token | CredentialKind::Agent => None,
        };
        let hours = hours.or(usual);
        if hours.is_some_and(|it| !(1..=MOST_HOURS).contains(&it)) {
            let message = format!("expires_hours must be 1–{MOST_HOURS}");
            return Err(ApiError::invalid("expires_hours", message));
        }
        let secret = fresh(kind)?;
        let new = NewCredential {
            kind,
            digest: secret.digest(),
            name,
            role,
            person_id,
            expires_ms: hours.map(|it| act.now_ms + i64::from(it) * HOUR_MS),
        };
        let credential = self.store.add_credential(&new, act).await?;
        Ok(MadeCredential { credential, secret: secret.text().to_owned() })
    }

    /// Makes a token for a program of the person who asks.
    pub(crate) async fn make_own_token(
        &self,
        caller: &Caller,
        request: CredentialRequest,
        act: &Act,
    ) -> Result<MadeCredential, ApiError> {
        let (person_id, _, role) = own_account(caller)?;
        if request.kind != CredentialKind::Token {
            return Err(ApiError::invalid("kind", "one's own account makes tokens only"));
        }
        let wanted = persons_role(request.role.unwrap_or(role))?;
        if !role.includes(wanted) {
            let message = "a token may do at most what its person may";
            return Err(ApiError::invalid("role", message));
        }
        let name = checked_name(&request.name)?;
        let whose = (Some(person_id), request.expires_hours);
        self.made(CredentialKind::Token, name, wanted, whose, act).await
    }

    /// Takes a credential back.
    pub(crate) async fn revoke(
        &self,
        credential_id: CredentialId,
        of: Option<PersonId>,
        act: &Act,
    ) -> Result<(), ApiError> {
        self.store.revoke(credential_id, of, act).await?;
        self.access.look_again();
        Ok(())
    }

    /// Lists what still opens something, with the one that was shown marked.
    pub(crate) async fn credentials_for(
        &self,
        caller: &Caller,
        of: Option<PersonId>,
    ) -> Result<Vec<Credential>, ApiError> {
        let mut credentials = self.store.credentials(of, self.now_ms()).await?;
        for it in &mut credentials {
            it.is_this = caller.credential_id() == Some(it.credential_id);
        }
        Ok(credentials)
    }

    /// What an invitation is about.
    pub(crate) async fn invitation(&self, text: &str) -> Result<Invitation, ApiError> {
        let opened = self.store.opened_by(&digest(text.trim()), self.now_ms()).await?;
        let opened = opened.filter(|it| it.credential.kind == CredentialKind::Invite);
        let opened = opened.ok_or(StoreError::UsedUp { kind: CredentialKind::Invite })?;
        let credential = opened.credential;
        Ok(Invitation {
            role: credential.role,
            name: opened.person,
            expires_ms: credential.expires_ms,
        })
    }

    /// Changes what a person may do.
    pub(crate) async fn change_person(
        &self,
        person_id: PersonId,
        change: &AccountChange,
        act: &Act,
    ) -> Result<Account, ApiError> {
        if let Some(role) = change.role {
            persons_role(role)?;
        }
        let account = self.store.change_person(person_id, change, act).await?;
        self.access.look_again();
        Ok(account)
    }

    /// Removes a person.
    pub(crate) async fn remove_person(
        &self,
        person_id: PersonId,
        act: &Act,
    ) -> Result<(), ApiError> {
        self.store.remove_person(person_id, act).await?;
        self.access.look_again();
        Ok(())
    }

    /// Lets an agent in that shows a join token.
    pub(crate) async fn enrol(&self, request: &EnrolRequest) -> Result<Enrolled, ApiError> {
        let name = request.name.trim();
        let name = if name.is_empty() { String::new() } else { checked_name(name)? };
        let secret = fresh(CredentialKind::Agent)?;
        let new = NewCredential {
            kind: CredentialKind::Agent,
            digest: secret.digest(),
            name,
            role: Role::Agent,
            person_id: None,
            expires_ms: None,
        };
        let join = digest(request.join.trim());
        let credential = self.store.enrol(&join, &new, self.now_ms()).await?;
        let token = secret.text().to_owned();
        Ok(Enrolled { credential_id: credential.credential_id, token })
    }
}

pub(crate) fn fresh(kind: CredentialKind) -> Result<Secret, ApiError> {
    Secret::fresh(kind).map_err(|it| ApiError::internal(&it))
}

/// The account of who asks; a token may not make others, nor change a password.
pub(crate) fn own_account(caller: &Caller) -> Result<(PersonId, &str, Role), ApiError> {
    match caller {
        Caller::Person { person_id, name, role, .. } => Ok((*person_id, name, *role)),
        Caller::Nobody
        | Caller::Open
        | Caller::Master
        | Caller::Network
        | Caller::Token { .. }
        | Caller::Agent { .. } => Err(ApiError::wrong_state(
            "this is about the account of a person: sign in on the page by name and password",
        )),
    }
}

/// The person of who asks, for lists of what is theirs.
pub(crate) fn own_person(caller: &Caller) -> Result<PersonId, ApiError> {
    own_account(caller).map(|it| it.0)
}

fn persons_role(role: Role) -> Result<Role, ApiError> {
    if role == Role::Agent {
        let message = "agents have credentials of their own, of the kind `agent` or `join`";
        return Err(ApiError::invalid("role", message));
    }
    Ok(role)
}
