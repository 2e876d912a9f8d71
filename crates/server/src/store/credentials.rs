//! What opens the server: sessions, tokens, agents' credentials, join tokens, invitations. Only the
//! SHA-256 of a secret is kept.

use protocol::{
    access::{Credential, CredentialKind, Role},
    audit::{AuditAction, AuditDetails},
    id::{CredentialId, PersonId, Sha256},
};
use sqlx::{Row, any::AnyRow};

use super::{Act, Change, Store, StoreError, audit, people::no_person, row};

/// A session ends after so long without a call.
const IDLE_MS: i64 = 30 * DAY_MS;
/// When a credential was last shown is known to this precision.
const SEEN_MS: i64 = 60_000;
/// What opens nothing any more is forgotten after so long.
const FORGET_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A credential about to be made.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// What it is for.
    pub kind: CredentialKind,
    /// Of its secret.
    pub digest: Sha256,
    /// Name for people.
    pub name: String,
    /// What it lets do.
    pub role: Role,
    /// Whose it is.
    pub person_id: Option<PersonId>,
    /// Until when, milliseconds since 1970.
    pub expires_ms: Option<i64>,
}

/// What a secret opens.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) credential: Credential,
    /// The person's name, where it is a person's.
    pub(crate) person: Option<String>,
}

/// Rows with whether each still opens anything at `$1`, and what.
const OPEN: &str = "select credential.*, person.name as person_name, person.role as person_role
     from credential left join person on person.person_id = credential.person_id
     where credential.ended_ms is null and coalesce(person.disabled, 0) = 0
     and (credential.expires_ms is null or credential.expires_ms > $1)
     and (credential.kind <> 'session' or credential.last_seen_ms > $1 - $2)";

impl Store {
    /// What a secret opens now; none where it opens nothing.
    pub(crate) async fn opened_by(
        &self,
        digest: &Sha256,
        now_ms: i64,
    ) -> Result<Option<Opened>, StoreError> {
        let sql = open_where(&["and credential.digest = $3"]);
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now_ms)
            .bind(IDLE_MS)
            .bind(digest.to_string())
            .fetch_optional(&self.pool)
            .await?;
        found.as_ref().map(opened).transpose()
    }

    /// What a credential opens now; none where it opens nothing.
    pub(crate) async fn opened(
        &self,
        credential_id: CredentialId,
        now_ms: i64,
    ) -> Result<Option<Opened>, StoreError> {
        let sql = open_where(&["and credential.credential_id = $3"]);
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now_ms)
            .bind(IDLE_MS)
            .bind(credential_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        found.as_ref().map(opened).transpose()
    }

    /// What still opens something, the newest first: all of it, or one person's.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn credentials(
        &self,
        of: Option<PersonId>,
        now_ms: i64,
    ) -> Result<Vec<Credential>, StoreError> {
        let sql = open_where(&[
            "and ($3 = '' or credential.person_id = $3)",
            "order by credential.credential_id desc",
        ]);
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now_ms)
            .bind(IDLE_MS)
            .bind(of.map(|it| it.to_string()).unwrap_or_default())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|it| Ok(opened(it)?.credential)).collect()
    }

    /// Notes that a credential was shown; once a minute at most.
    pub(crate) async fn saw_credential(
        &self,
        shown: &Credential,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        if shown.last_seen_ms.is_some_and(|it| it > now_ms - SEEN_MS) {
            return Ok(());
        }
        sqlx::query("update credential set last_seen_ms = $1 where credential_id = $2")
            .bind(now_ms)
            .bind(shown.credential_id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Keeps a new credential.
    ///
    /// # Errors
    /// If there is no such person, or the database fails.
    pub async fn add_credential(
        &self,
        new: &NewCredential,
        act: &Act,
    ) -> Result<Credential, StoreError> {
        let mut change = self.begin().await?;
        let credential = change.add_credential(new, act).await?;
        if new.kind != CredentialKind::Session {
            let details = details(&credential);
            change.audit(None, AuditAction::CredentialMade, details, act).await?;
        }
        change.commit(act.now_ms).await?;
        Ok(credential)
    }

    /// Notes that somebody signed in under a name (`Ok`), or did not (`Err`); `''` is the server's own
    /// token.
    pub(crate) async fn note_sign_in(
        &self,
        who: Result<&str, &str>,
        address: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let (action, by, name) = match who {
            Ok(name) => (AuditAction::SignedIn, name, ""),
            Err(name) => (AuditAction::SignInFailed, "", name),
        };
        let pairs = [("name", name.to_owned()), ("address", address.to_owned())];
        let details = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let details = details.map(|(name, value)| (name.to_owned(), value)).collect();
        let act = Act { by: by.to_owned(), now_ms };
        let mut change = self.begin().await?;
        change.audit(None, action, details, &act).await?;
        change.commit(now_ms).await
    }

    /// Takes a credential back; only if it is `of` this person, where that is given.
    ///
    /// # Errors
    /// If there is no such credential, or the database fails.
    pub async fn revoke(
        &self,
        credential_id: CredentialId,
        of: Option<PersonId>,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let rows = sqlx::query(
            "update credential set ended_ms = $1
             where credential_id = $2 and ended_ms is null and ($3 = '' or person_id = $3)
             returning *, cast(null as text) as person_role",
        )
        .bind(act.now_ms)
        .bind(credential_id.to_string())
        .bind(of.map(|it| it.to_string()).unwrap_or_default())
        .fetch_all(&mut *change.transaction)
        .await?;
        let [row] = rows.as_slice() else {
            let id = credential_id.to_string();
            return Err(StoreError::NotFound { what: "credential", id });
        };
        let details = details(&credential(row)?);
        change.audit(None, AuditAction::CredentialRevoked, details, act).await?;
        change.commit(act.now_ms).await
    }

    /// Replaces the invitations that the server printed at earlier starts.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_invites_of(&self, made_by: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "update credential set ended_ms = $1
             where kind = 'invite' and made_by = $2 and ended_ms is null",
        )
        .bind(now_ms)
        .bind(made_by)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Exchanges a join token for an agent's own credential.
    ///
    /// # Errors
    /// If the token opens nothing any more, or the database fails.
    pub async fn enrol(
        &self,
        join: &Sha256,
        new: &NewCredential,
        now_ms: i64,
    ) -> Result<Credential, StoreError> {
        let mut change = self.begin().await?;
        let join = change.use_up(join, CredentialKind::Join, now_ms).await?;
        let act = Act { by: join.made_by, now_ms };
        let name = if new.name.is_empty() { join.name } else { new.name.clone() };
        let credential =
            change.add_credential(&NewCredential { name, ..new.clone() }, &act).await?;
        let details = audit::details([
            ("credential", credential.credential_id.to_string()),
            ("name", credential.name.clone()),
        ]);
        change.audit(None, AuditAction::AgentEnrolled, details, &act).await?;
        change.commit(now_ms).await?;
        Ok(credential)
    }

    /// Forgets what has opened nothing for long. Leases refer to agents' credentials by their
    /// number alone.
    pub(crate) async fn forget_credentials(&self, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "delete from credential where ended_ms < $1 or expires_ms < $1
             or (kind = 'session' and last_seen_ms < $1 - $2)",
        )
        .bind(now_ms - FORGET_MS)
        .bind(IDLE_MS)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl Change<'_> {
    /// Takes what can be used once.
    pub(super) async fn use_up(
        &mut self,
        digest: &Sha256,
        kind: CredentialKind,
        now_ms: i64,
    ) -> Result<Credential, StoreError> {
        let rows = sqlx::query(
            "update credential set ended_ms = $1
             where digest = $2 and kind = $3 and ended_ms is null
             and (expires_ms is null or expires_ms > $1)
             returning *, cast(null as text) as person_role",
        )
        .bind(now_ms)
        .bind(digest.to_string())
        .bind(row::to_text(&kind))
        .fetch_all(&mut *self.transaction)
        .await?;
        match rows.as_slice() {
            [row] => credential(row),
            _ => Err(StoreError::UsedUp { kind }),
        }
    }

    async fn add_credential(
        &mut self,
        new: &NewCredential,
        act: &Act,
    ) -> Result<Credential, StoreError> {
        let credential = Credential {
            credential_id: CredentialId::fresh(),
            kind: new.kind,
            name: new.name.clone(),
            role: new.role,
            person_id: new.person_id,
            made_by: act.by.clone(),
            created_ms: act.now_ms,
            last_seen_ms: (new.kind == CredentialKind::Session).then_some(act.now_ms),
            expires_ms: new.expires_ms,
            is_this: false,
        };
        let written = sqlx::query(
            "insert into credential (credential_id, kind, digest, name, role, person_id, made_by,
                 created_ms, last_seen_ms, expires_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(credential.credential_id.to_string())
        .bind(row::to_text(&credential.kind))
        .bind(new.digest.to_string())
        .bind(&credential.name)
        .bind(row::to_text(&credential.role))
        .bind(new.person_id.map(|it| it.to_string()))
        .bind(&credential.made_by)
        .bind(credential.created_ms)
        .bind(credential.last_seen_ms)
        .bind(credential.expires_ms)
        .execute(&mut *self.transaction)
        .await;
        match (written, new.person_id) {
            (Ok(_), _) => Ok(credential),
            (Err(error), Some(person_id)) if is_foreign(&error) => Err(no_person(person_id)),
            (Err(error), _) => Err(error.into()),
        }
    }
}

fn is_foreign(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

/// `OPEN` with more conditions.
fn open_where(more: &[&str]) -> String {
    [&[OPEN], more].concat().join(" ")
}

fn opened(it: &AnyRow) -> Result<Opened, StoreError> {
    Ok(Opened { credential: credential(it)?, person: it.try_get("person_name")? })
}

fn credential(it: &AnyRow) -> Result<Credential, StoreError> {
    let kind: CredentialKind = row::from_text(it, "kind")?;
    let given: Role = row::from_text(it, "role")?;
    let persons: Option<String> = it.try_get("person_role")?;
    let role = match (kind, persons) {
        (CredentialKind::Session, Some(_)) => row::from_text(it, "person_role")?,
        // A person's program may never do more than the person.
        (CredentialKind::Token, Some(_)) => {
            let most: Role = row::from_text(it, "person_role")?;
            if most.includes(given) { given } else { most }
        }
        _ => given,
    };
    Ok(Credential {
        credential_id: row::id(it, "credential_id")?,
        kind,
        name: it.try_get("name")?,
        role,
        person_id: row::id_option(it, "person_id")?,
        made_by: it.try_get("made_by")?,
        created_ms: it.try_get("created_ms")?,
        last_seen_ms: it.try_get("last_seen_ms")?,
        expires_ms: it.try_get("expires_ms")?,
        is_this: false,
    })
}

fn details(it: &Credential) -> AuditDetails {
    audit::details([
        ("credential", it.credential_id.to_string()),
        ("kind", row::to_text(&it.kind)),
        ("name", it.name.clone()),
        ("role", row::to_text(&it.role)),
    ])
}
