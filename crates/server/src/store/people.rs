//! People who may sign in.

use protocol::{
    access::{Account, AccountChange, Role},
    audit::AuditAction,
    id::{CredentialId, PersonId, Sha256},
};
use sqlx::{Row, any::AnyRow};
use unicode_normalization::UnicodeNormalization;

use super::{Act, Change, Dialect, Store, StoreError, audit, row};

/// Somebody about to be added.
#[derive(Clone)]
pub struct NewPerson {
    /// What they sign in with.
    pub name: String,
    /// What is kept of their password.
    pub password: String,
}

/// What a sign-in is compared with.
pub(crate) struct Known {
    pub(crate) account: Account,
    pub(crate) password: String,
}

/// Names that differ by case, width, composition or spaces alone are one.
pub(crate) fn name_key(name: &str) -> String {
    let name: String = name.nfkc().collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Store {
    /// Whether anybody may sign in: from the first one on, the server asks who comes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn has_people(&self) -> Result<bool, StoreError> {
        let found = sqlx::query("select 1 as n from person limit 1").fetch_optional(&self.pool);
        Ok(found.await?.is_some())
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn people(&self) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query(
            "select person.*, (select max(last_seen_ms) from credential
                 where credential.person_id = person.person_id) as last_seen_ms
             from person order by name_key",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(account).collect()
    }

    /// Somebody who wants to sign in under this name.
    pub(crate) async fn known(&self, name: &str) -> Result<Option<Known>, StoreError> {
        let found = sqlx::query(
            "select person.*, cast(null as bigint) as last_seen_ms from person where name_key = $1",
        )
        .bind(name_key(name))
        .fetch_optional(&self.pool)
        .await?;
        let known = |it: &AnyRow| {
            Ok::<_, StoreError>(Known { account: account(it)?, password: it.try_get("password")? })
        };
        found.as_ref().map(known).transpose()
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// If the name is taken, the first person is to be no admin, or the database fails.
    pub async fn add_person(
        &self,
        new: &NewPerson,
        role: Role,
        act: &Act,
    ) -> Result<Account, StoreError> {
        let mut change = self.begin().await?;
        let account = change.add_person(new, role, act).await?;
        change.commit(act.now_ms).await?;
        Ok(account)
    }

    /// Takes an invitation up: somebody new, or somebody's new password, which ends what they were
    /// signed in with.
    ///
    /// # Errors
    /// If the invitation opens nothing any more, the name is taken, or the database fails.
    pub async fn accept_invite(
        &self,
        digest: &Sha256,
        new: &NewPerson,
        now_ms: i64,
    ) -> Result<Account, StoreError> {
        let mut change = self.begin().await?;
        let invite =
            change.use_up(digest, protocol::access::CredentialKind::Invite, now_ms).await?;
        let account = match invite.person_id {
            Some(person_id) => {
                let account = change.person(person_id).await?;
                let act = Act { by: account.name.clone(), now_ms };
                change.set_password(person_id, &new.password, None, &act).await?;
                account
            }
            None => {
                let act = Act { by: new.name.trim().to_owned(), now_ms };
                change.add_person(new, invite.role, &act).await?
            }
        };
        change.commit(now_ms).await?;
        Ok(account)
    }

    /// Changes a password, and ends what the person was signed in with, but for `keep`.
    ///
    /// # Errors
    /// If there is no such person, or the database fails.
    pub async fn set_password(
        &self,
        person_id: PersonId,
        password: &str,
        keep: Option<CredentialId>,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        change.set_password(person_id, password, keep, act).await?;
        change.commit(act.now_ms).await
    }

    /// Changes what a person may do.
    ///
    /// # Errors
    /// If there is no such person, it is the last admin, or the database fails.
    pub async fn change_person(
        &self,
        person_id: PersonId,
        wish: &AccountChange,
        act: &Act,
    ) -> Result<Account, StoreError> {
        let mut change = self.begin().await?;
        change.lock_admins().await?;
        let before = change.person(person_id).await?;
        let role = wish.role.unwrap_or(before.role);
        let disabled = wish.disabled.unwrap_or(before.disabled);
        sqlx::query("update person set role = $1, disabled = $2 where person_id = $3")
            .bind(row::to_text(&role))
            .bind(i64::from(disabled))
            .bind(person_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        change.check_admins().await?;
        let words = |role: Role, disabled| {
            let word = row::to_text(&role);
            if disabled { format!("{word}, disabled") } else { word }
        };
        let details = audit::details([
            ("name", before.name.clone()),
            ("from", words(before.role, before.disabled)),
            ("to", words(role, disabled)),
        ]);
        change.audit(None, AuditAction::PersonChanged, details, act).await?;
        change.commit(act.now_ms).await?;
        Ok(Account { role, disabled, ..before })
    }

    /// Removes a person with all that lets them in. What they did stays under their name.
    ///
    /// # Errors
    /// If there is no such person, it is the last admin, or the database fails.
    pub async fn remove_person(&self, person_id: PersonId, act: &Act) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        change.lock_admins().await?;
        let before = change.person(person_id).await?;
        sqlx::query("delete from person where person_id = $1")
            .bind(person_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        change.check_admins().await?;
        let details = audit::details([("name", before.name)]);
        change.audit(None, AuditAction::PersonRemoved, details, act).await?;
        change.commit(act.now_ms).await
    }
}

impl Change<'_> {
    /// Keeps others from changing admins until the commit.
    async fn lock_admins(&mut self) -> Result<(), StoreError> {
        if self.store.dialect == Dialect::Postgres {
            sqlx::query("select person_id from person where role = 'admin' for update")
                .fetch_all(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Refuses what would leave nobody who can let people in.
    async fn check_admins(&mut self) -> Result<(), StoreError> {
        let found = sqlx::query("select 1 as n from person where role = 'admin' and disabled = 0")
            .fetch_optional(&mut *self.transaction)
            .await?;
        found.map(drop).ok_or(StoreError::NoAdmin)
    }

    async fn person(&mut self, person_id: PersonId) -> Result<Account, StoreError> {
        let found = sqlx::query(
            "select person.*, cast(null as bigint) as last_seen_ms from person
             where person_id = $1",
        )
        .bind(person_id.to_string())
        .fetch_optional(&mut *self.transaction)
        .await?;
        account(&found.ok_or_else(|| no_person(person_id))?)
    }

    async fn add_person(
        &mut self,
        new: &NewPerson,
        role: Role,
        act: &Act,
    ) -> Result<Account, StoreError> {
        let account = Account {
            person_id: PersonId::fresh(),
            name: new.name.trim().to_owned(),
            role,
            disabled: false,
            created_ms: act.now_ms,
            last_seen_ms: None,
        };
        let written = sqlx::query(
            "insert into person (person_id, name, name_key, role, password, disabled, created_ms)
             values ($1, $2, $3, $4, $5, 0, $6) on conflict (name_key) do nothing",
        )
        .bind(account.person_id.to_string())
        .bind(&account.name)
        .bind(name_key(&account.name))
        .bind(row::to_text(&role))
        .bind(&new.password)
        .bind(act.now_ms)
        .execute(&mut *self.transaction)
        .await?
        .rows_affected();
        if written != 1 {
            return Err(StoreError::PersonNameTaken { name: account.name });
        }
        self.check_admins().await?;
        let details =
            audit::details([("name", account.name.clone()), ("role", row::to_text(&role))]);
        self.audit(None, AuditAction::PersonAdded, details, act).await?;
        Ok(account)
    }

    async fn set_password(
        &mut self,
        person_id: PersonId,
        password: &str,
        keep: Option<CredentialId>,
        act: &Act,
    ) -> Result<(), StoreError> {
        let account = self.person(person_id).await?;
        sqlx::query("update person set password = $1 where person_id = $2")
            .bind(password)
            .bind(person_id.to_string())
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query(
            "update credential set ended_ms = $1 where person_id = $2 and ended_ms is null
             and kind in ('session', 'invite') and credential_id <> $3",
        )
        .bind(act.now_ms)
        .bind(person_id.to_string())
        .bind(keep.map(|it| it.to_string()).unwrap_or_default())
        .execute(&mut *self.transaction)
        .await?;
        let details = audit::details([("name", account.name)]);
        self.audit(None, AuditAction::PasswordChanged, details, act).await
    }
}

pub(super) fn no_person(person_id: PersonId) -> StoreError {
    StoreError::NotFound { what: "person", id: person_id.to_string() }
}

fn account(it: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        person_id: row::id(it, "person_id")?,
        name: it.try_get("name")?,
        role: row::from_text(it, "role")?,
        disabled: it.try_get::<i64, _>("disabled")? != 0,
        created_ms: it.try_get("created_ms")?,
        last_seen_ms: it.try_get("last_seen_ms")?,
    })
}
