//! `voxloop admin`: people, invitations, tokens and agents, straight on the server's database: for the
//! first admin, for scripts, and for when nobody can sign in any more. A running server sees what
//! changes at the next request.

mod print;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use protocol::{
    access::{Account, AccountChange, CredentialKind, Role},
    id::CredentialId,
};
use server::{
    access::secret::Secret,
    clock::{Clock, SystemClock},
    people::checked_name,
    store::{Act, NewCredential, Store, sqlite_url},
};

use crate::{left_url, place::without_password};

/// Who did it, in the audit list.
const BY: &str = "voxloop admin";

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Settings of `voxloop admin`.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// The server's data folder.
    #[arg(long, global = true, env = "DATA_ROOT", default_value = "./data", value_name = "DIR")]
    data_dir: PathBuf,
    /// The server's database, where it is not a file in the data folder.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Address under which people reach the server; links begin with it. That of the server's last
    /// start where none is given.
    #[arg(long, global = true, env = "PUBLIC_URL", value_delimiter = ',', value_name = "URL")]
    public_url: Vec<String>,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Make a token with which one agent enrols, once.
    JoinToken {
        /// Name for the agent, where it says none.
        #[arg(long, default_value = "")]
        name: String,
        /// Hours in which it can be used.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8784))]
        hours: u32,
    },
    /// Make a link with which one person comes in, once. The first one is an admin.
    Invite {
        /// viewer, annotator, reviewer or admin.
        #[arg(long, default_value = "viewer", value_parser = parse_role)]
        role: Role,
        /// Hours in which it can be used.
        #[arg(long, default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=8784))]
        hours: u32,
    },
    /// Who may sign in.
    #[command(subcommand)]
    People(PeopleCommand),
    /// What programs and agents show.
    #[command(subcommand)]
    Tokens(TokenCommand),
}

#[derive(Debug, Subcommand)]
enum PeopleCommand {
    /// List them.
    List,
    /// Give somebody another role.
    Role {
        /// Their name.
        name: String,
        /// viewer, annotator, reviewer or admin.
        #[arg(value_parser = parse_role)]
        role: Role,
    },
    /// Make a link with which somebody chooses a new password.
    Reset {
        /// Their name.
        name: String,
    },
    /// Shut somebody out; their tokens, too.
    Disable {
        /// Their name.
        name: String,
    },
    /// Let somebody in again.
    Enable {
        /// Their name.
        name: String,
    },
    /// Remove somebody. What they did stays, under their name.
    Remove {
        /// Their name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// List what opens the server: sessions, tokens, agents, join tokens, invitations.
    List,
    /// Make a token for a program; with the role agent, for an agent.
    Make {
        /// Name for people.
        name: String,
        /// agent, viewer, annotator, reviewer or admin.
        #[arg(long, default_value = "viewer", value_parser = parse_any_role)]
        role: Role,
        /// Hours until it opens nothing any more; for ever where nothing is said.
        #[arg(long)]
        hours: Option<u32>,
    },
    /// Take one back: it opens nothing from now on.
    Revoke {
        /// As `list` shows it.
        id: CredentialId,
    },
}

fn parse_any_role(text: &str) -> Result<Role, String> {
    let value = serde_json::Value::String(text.to_owned());
    serde_json::from_value(value)
        .map_err(|_unknown| "expected agent, viewer, annotator, reviewer or admin".to_owned())
}

fn parse_role(text: &str) -> Result<Role, String> {
    match parse_any_role(text) {
        Ok(Role::Agent) | Err(_) => Err("expected viewer, annotator, reviewer or admin".to_owned()),
        other => other,
    }
}

/// Does as asked, on the database.
///
/// # Errors
/// If there is no database, or what is asked for cannot be done.
pub(crate) async fn run(args: AdminArgs) -> anyhow::Result<ExitCode> {
    let store = args.open().await?;
    let admin = Admin { store, address: args.address() };
    let done = match args.command {
        AdminCommand::JoinToken { name, hours } => admin.join_token(name, hours).await,
        AdminCommand::Invite { role, hours } => admin.invite(role, hours).await,
        AdminCommand::People(command) => admin.people(command).await,
        AdminCommand::Tokens(command) => admin.tokens(command).await,
    };
    admin.store.close().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

impl AdminArgs {
    async fn open(&self) -> anyhow::Result<Store> {
        if let Some(url) = self.database_url.as_deref().filter(|it| !it.is_empty()) {
            let opened = Store::open(url).await;
            return opened.map_err(|it| anyhow!("--database-url {}: {it}", without_password(url)));
        }
        if !self.data_dir.is_dir() {
            bail!(
                "--data-dir {}: there is no such folder; name the one that `voxloop serve` uses",
                self.data_dir.display()
            );
        }
        let path = self.data_dir.join("voxloop.db");
        let opened = Store::open(&sqlite_url(&path).context("--data-dir")?).await;
        opened.map_err(|it| anyhow!("--data-dir: {}: {it}", path.display()))
    }

    fn address(&self) -> String {
        let first = self.public_url.iter().map(|it| it.trim()).find(|it| !it.is_empty());
        let given = first.map(|it| it.trim_end_matches('/').to_owned());
        let left = given.or_else(|| left_url::read(&self.data_dir));
        left.unwrap_or_else(|| "http://127.0.0.1:8000".to_owned())
    }
}

/// The database, and where the server is reached.
struct Admin {
    store: Store,
    address: String,
}

fn act() -> Act {
    Act { by: BY.to_owned(), now_ms: SystemClock.now_ms() }
}

/// What is to be made.
struct Wish {
    kind: CredentialKind,
    name: String,
    role: Role,
    of: Option<Account>,
    hours: Option<u32>,
}

impl Admin {
    /// Makes a credential; its secret comes back.
    async fn make(&self, wish: Wish) -> anyhow::Result<Secret> {
        let act = act();
        let secret = Secret::fresh(wish.kind).context("asking the system for random numbers")?;
        let new = NewCredential {
            kind: wish.kind,
            digest: secret.digest(),
            name: wish.name,
            role: wish.role,
            person_id: wish.of.map(|it| it.person_id),
            expires_ms: wish.hours.map(|it| act.now_ms + i64::from(it) * HOUR_MS),
        };
        self.store.add_credential(&new, &act).await?;
        Ok(secret)
    }

    async fn join_token(&self, name: String, hours: u32) -> anyhow::Result<()> {
        let name = if name.is_empty() { name } else { checked(&name)? };
        let (kind, role, hours) = (CredentialKind::Join, Role::Agent, Some(hours));
        let secret = self.make(Wish { kind, name, role, of: None, hours }).await?;
        print::hint(&format!(
            "on the agent's machine, once: voxloop agent --server {} --token-file token --join \
             TOKEN",
            self.address
        ));
        print::line(secret.text())
    }

    async fn invite(&self, role: Role, hours: u32) -> anyhow::Result<()> {
        let people = self.store.people().await?;
        if role != Role::Admin && !people.iter().any(|it| it.role == Role::Admin) {
            bail!("the first person must be an admin: voxloop admin invite --role admin");
        }
        let (kind, name, hours) = (CredentialKind::Invite, String::new(), Some(hours));
        let secret = self.make(Wish { kind, name, role, of: None, hours }).await?;
        print::hint("whoever opens this link first chooses name and password:");
        print::line(&format!("{}/join#{}", self.address, secret.text()))
    }

    async fn person(&self, name: &str) -> anyhow::Result<Account> {
        let people = self.store.people().await?;
        let key = name.trim().to_lowercase();
        people.into_iter().find(|it| it.name.to_lowercase() == key).ok_or_else(|| {
            anyhow!("there is nobody with the name {name}; voxloop admin people list")
        })
    }

    async fn people(&self, command: PeopleCommand) -> anyhow::Result<()> {
        match command {
            PeopleCommand::List => return print::people(&self.store.people().await?),
            PeopleCommand::Role { name, role } => {
                let change = AccountChange { role: Some(role), disabled: None };
                self.change(&name, &change).await?;
            }
            PeopleCommand::Disable { name } => {
                let change = AccountChange { role: None, disabled: Some(true) };
                self.change(&name, &change).await?;
            }
            PeopleCommand::Enable { name } => {
                let change = AccountChange { role: None, disabled: Some(false) };
                self.change(&name, &change).await?;
            }
            PeopleCommand::Remove { name } => {
                let person = self.person(&name).await?;
                self.store.remove_person(person.person_id, &act()).await?;
            }
            PeopleCommand::Reset { name } => {
                let person = self.person(&name).await?;
                let wish = Wish {
                    kind: CredentialKind::Invite,
                    name: person.name.clone(),
                    role: person.role,
                    of: Some(person),
                    hours: Some(24),
                };
                let secret = self.make(wish).await?;
                return print::line(&format!("{}/join#{}", self.address, secret.text()));
            }
        }
        Ok(())
    }

    async fn change(&self, name: &str, change: &AccountChange) -> anyhow::Result<()> {
        let person = self.person(name).await?;
        self.store.change_person(person.person_id, change, &act()).await?;
        Ok(())
    }

    async fn tokens(&self, command: TokenCommand) -> anyhow::Result<()> {
        match command {
            TokenCommand::List => {
                print::credentials(&self.store.credentials(None, act().now_ms).await?)
            }
            TokenCommand::Make { name, role, hours } => {
                let is_agent = role == Role::Agent;
                let kind = if is_agent { CredentialKind::Agent } else { CredentialKind::Token };
                let name = checked(&name)?;
                let secret = self.make(Wish { kind, name, role, of: None, hours }).await?;
                print::hint("shown this once:");
                print::line(secret.text())
            }
            TokenCommand::Revoke { id } => Ok(self.store.revoke(id, None, &act()).await?),
        }
    }
}

fn checked(name: &str) -> anyhow::Result<String> {
    checked_name(name).map_err(|it| anyhow!("{}", it.detail().message))
}
