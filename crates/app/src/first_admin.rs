//! The way in for the first person of a server that others reach: a link, printed at the start until
//! it was used.

use anyhow::Context;
use protocol::access::{CredentialKind, Role};
use server::{
    access::secret::Secret,
    settings::PublicUrl,
    state::Server,
    store::{Act, NewCredential},
};

/// Who made these links; a new one takes the place of the last.
const BY: &str = "the first start";

/// A link that was not used by then was lost.
const FOR_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Prints the link, where nobody could come in without.
///
/// # Errors
/// If the database fails, or the system gives no random numbers.
#[expect(clippy::print_stderr, reason = "for the person at the terminal, and never in the log")]
pub(crate) async fn print_link(server: &Server) -> anyhow::Result<()> {
    let (store, settings) = (&server.store, &server.settings);
    let has_way_in = settings.token.is_some() || !settings.is_reached_by_others();
    if has_way_in || store.has_people().await? {
        return Ok(());
    }
    let act = Act { by: BY.to_owned(), now_ms: server.now_ms() };
    let secret = Secret::fresh(CredentialKind::Invite).context("making the admin's link")?;
    let new = NewCredential {
        kind: CredentialKind::Invite,
        digest: secret.digest(),
        name: String::new(),
        role: Role::Admin,
        person_id: None,
        expires_ms: Some(act.now_ms + FOR_MS),
    };
    store.end_invites_of(BY, act.now_ms).await?;
    store.add_credential(&new, &act).await?;
    let address = settings.public_urls.first().map(PublicUrl::origin).unwrap_or_default();
    eprintln!(
        "\nNobody can sign in yet. Open this link once to become the admin:\n\n    \
         {address}/join#{}\n",
        secret.text()
    );
    Ok(())
}
