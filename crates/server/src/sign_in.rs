//! Signing in: passwords that are compared slowly and seldom, sessions, invitations that are taken up.

use axum::http::StatusCode;
use protocol::access::{AcceptRequest, Account, CredentialKind, PasswordRequest};

use crate::{
    access::{
        Address, Caller,
        password::{self, PasswordError},
        secret::{Secret, digest},
    },
    error::ApiError,
    people::{MAX_NAME_CHARS, checked_name, fresh, own_account},
    state::Server,
    store::{Act, NewCredential, NewPerson, name_key},
};

/// A session ends this long after the sign-in.
const SESSION_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// A sign-in that did not succeed.
pub(crate) enum NotSignedIn {
    /// Too many before it failed: wait so many seconds.
    Wait(i64),
    Refused(ApiError),
}

impl<E: Into<ApiError>> From<E> for NotSignedIn {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        Self::invalid("password", error.to_string())
    }
}

impl Server {
    /// Runs what takes a processor and memory, with few others beside it.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let _permit = self.access.hashing.acquire().await.map_err(|it| ApiError::internal(&it))?;
        Ok(tokio::task::spawn_blocking(work).await?)
    }

    async fn kept_password(&self, text: String, name: &str) -> Result<String, ApiError> {
        password::check(&text, name)?;
        let kept = self.hashing(move || password::kept(&text)).await?;
        kept.map_err(|it| ApiError::internal(&it))
    }

    /// Whether a try may go on, and counts it.
    fn try_once(&self, name: &str, address: &Address) -> Result<(), NotSignedIn> {
        let now_ms = self.now_ms();
        let throttle = &self.access.throttle;
        let wait_ms = throttle.wait_ms(name, &address.0, now_ms);
        if wait_ms > 0 {
            return Err(NotSignedIn::Wait((wait_ms + 999) / 1_000));
        }
        throttle.tries(name, &address.0, now_ms);
        Ok(())
    }

    /// Signs a person in; the secret goes into a cookie.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        password: String,
        address: &Address,
    ) -> Result<Secret, NotSignedIn> {
        let key: String = name_key(name).chars().take(MAX_NAME_CHARS).collect();
        self.try_once(&key, address)?;
        let known = self.store.known(name).await?;
        let kept = known.as_ref().map(|it| it.password.clone());
        let is_right = self.hashing(move || password::is_right(&password, kept.as_deref())).await?;
        let Some(known) = known.filter(|it| is_right && !it.account.disabled) else {
            self.store.note_sign_in(Err(&key), &address.0, self.now_ms()).await?;
            return Err(wrong_password().into());
        };
        self.access.throttle.succeeded(&key, &address.0);
        Ok(self.session_of(&known.account, address).await?)
    }

    async fn session_of(&self, account: &Account, address: &Address) -> Result<Secret, ApiError> {
        let act = Act { by: account.name.clone(), now_ms: self.now_ms() };
        let secret = fresh(CredentialKind::Session)?;
        let session = NewCredential {
            kind: CredentialKind::Session,
            digest: secret.digest(),
            name: address.0.clone(),
            role: account.role,
            person_id: Some(account.person_id),
            expires_ms: Some(act.now_ms + SESSION_MS),
        };
        self.store.add_credential(&session, &act).await?;
        self.store.note_sign_in(Ok(&account.name), &address.0, act.now_ms).await?;
        Ok(secret)
    }

    /// Whether the server's own token was given; wrong ones wait like wrong passwords.
    pub(crate) async fn sign_in_by_token(
        &self,
        text: &str,
        address: &Address,
    ) -> Result<(), NotSignedIn> {
        // One name for all who try the token: behind a proxy they share an address.
        let name = format!("\u{0}token {}", address.0);
        self.try_once(&name, address)?;
        if self.settings.token.as_ref().is_some_and(|it| it.is(text.trim())) {
            self.access.throttle.succeeded(&name, &address.0);
            self.store.note_sign_in(Ok(""), &address.0, self.now_ms()).await?;
            return Ok(());
        }
        self.store.note_sign_in(Err(""), &address.0, self.now_ms()).await?;
        Err(NotSignedIn::Refused(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_token",
            "this is not the server's token; whoever runs the server finds it in the file of \
             --token-file",
        )))
    }

    /// Takes an invitation up, and signs the person in.
    pub(crate) async fn accept(
        &self,
        request: AcceptRequest,
        address: &Address,
    ) -> Result<Secret, ApiError> {
        let invitation = self.invitation(&request.invite).await?;
        let name = match invitation.name {
            Some(it) => it,
            None => checked_name(&request.name)?,
        };
        let password = self.kept_password(request.password, &name).await?;
        let digest = digest(request.invite.trim());
        let new = NewPerson { name, password };
        let account = self.store.accept_invite(&digest, &new, self.now_ms()).await?;
        self.access.look_again();
        self.session_of(&account, address).await
    }

    /// Changes one's own password; other browsers are signed out.
    pub(crate) async fn change_password(
        &self,
        caller: &Caller,
        request: PasswordRequest,
        address: &Address,
    ) -> Result<(), NotSignedIn> {
        let (_, name, _) = own_account(caller)?;
        let key = name_key(name);
        self.try_once(&key, address)?;
        let Some(known) = self.store.known(name).await? else {
            return Err(wrong_password().into());
        };
        let (current, kept) = (request.current, known.password);
        if !self.hashing(move || password::is_right(&current, Some(&kept))).await? {
            let message = "this is not the password until now";
            return Err(ApiError::invalid("current", message).into());
        }
        self.access.throttle.succeeded(&key, &address.0);
        password::check(&request.new, name)
            .map_err(|error| ApiError::invalid("new", error.to_string()))?;
        let password = self.kept_password(request.new, name).await?;
        let act = Act { by: name.to_owned(), now_ms: self.now_ms() };
        let keep = caller.credential_id();
        self.store.set_password(known.account.person_id, &password, keep, &act).await?;
        self.access.look_again();
        Ok(())
    }
}

fn wrong_password() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "wrong_password",
        "name or password is wrong, or an admin has shut this account out",
    )
}
