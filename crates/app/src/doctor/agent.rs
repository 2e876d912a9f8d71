//! The diagnosis of an agent's machine: whether its server can be reached and fits.

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use protocol::{
    access::{Role, Session},
    diagnosis::{Check, CheckName, Diagnosis, Examiner},
    system::{ErrorBody, Health},
};
use reqwest::{Certificate, Client, header::DATE};
use server::{
    clock::{Clock, SystemClock},
    diagnosis::{self, Finding, quoted},
    engines::Engines,
};

use crate::{
    config::{ServeArgs, named},
    models::Models,
};

/// Clocks that differ by more give leases and times that people cannot make sense of.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(30);

/// Looks at this machine and at the way to `server`.
pub(super) async fn examine(server: &str, args: &ServeArgs, ca_file: Option<&Path>) -> Diagnosis {
    let known = args.token().and_then(|token| Ok((token, client(ca_file)?)));
    let (reached, clock) = match known {
        Ok((token, client)) => reach(&client, server.trim_end_matches('/'), token).await,
        Err(error) => (Finding::error(format!("{error:#}")), unknown_clock()),
    };
    let temp = match diagnosis::writable(&args.temp_dir, "--temp-dir", "TEMP_ROOT").await {
        Ok(()) => Finding::ok("inputs can be kept while a task runs"),
        Err(finding) => finding,
    };
    let checks: Vec<Check> = vec![
        reached.named(CheckName::Server),
        clock.named(CheckName::Clock),
        temp.named(CheckName::TempFolder),
        diagnosis::models(&args.model_dir).await.named(CheckName::ModelFolder),
        diagnosis::engines(&Models::new(args.model_dir.clone()).list()).named(CheckName::Engines),
        diagnosis::gpu().await.named(CheckName::Gpu),
        diagnosis::memory().named(CheckName::Memory),
    ];
    diagnosis::report(Examiner::Agent, checks, SystemClock.now_ms())
}

/// A client that trusts whom an agent would trust.
fn client(ca_file: Option<&Path>) -> anyhow::Result<Client> {
    let mut client =
        Client::builder().connect_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(20));
    if let Some(path) = named(ca_file) {
        let at = || format!("--ca-file {}", path.display());
        let pem = std::fs::read(path).with_context(at)?;
        client = client.tls_certs_only(Certificate::from_pem_bundle(&pem).with_context(at)?);
    }
    client.build().context("setting up TLS")
}

/// Whether the server answers, and whether its clock agrees.
async fn reach(client: &Client, server: &str, token: Option<String>) -> (Finding, Finding) {
    let asked = Instant::now();
    let answer = match client.get(format!("{server}/health")).send().await {
        Ok(it) => it,
        Err(error) => return (unreachable(server, error), unknown_clock()),
    };
    let took = asked.elapsed();
    let date = answer.headers().get(DATE).and_then(|it| it.to_str().ok());
    let clock =
        date.and_then(|it| httpdate::parse_http_date(it).ok()).map_or_else(unknown_clock, clock);
    let status = answer.status();
    let body = answer.bytes().await.unwrap_or_default();
    if let Ok(health) = serde_json::from_slice::<Health>(&body) {
        let refused = refused(client, server, token).await;
        return (refused.unwrap_or_else(|| fits(server, &health, took)), clock);
    }
    let said = serde_json::from_slice::<ErrorBody>(&body).ok().map(|it| it.error);
    let finding = match said {
        Some(it) if it.code == "foreign_host" => {
            Finding::error(format!("{server} refuses this name: {}", it.message))
                .remedy("start the server with the address that agents use")
                .command(format!("voxloop serve --public-url {}", quoted(server)))
        }
        Some(it) => Finding::error(format!("{server} answered {status}: {}", it.message)),
        None => Finding::error(format!("{server} answered {status}, but it is no voxloop server"))
            .remedy(
                "name address and port of the server, or let the proxy in between pass requests on",
            ),
    };
    (finding, clock)
}

fn unknown_clock() -> Finding {
    Finding::skipped("the server's clock is not known")
}

/// What stands in the way of running tasks there, where something does.
async fn refused(client: &Client, server: &str, token: Option<String>) -> Option<Finding> {
    let has_token = token.is_some();
    let mut request = client.get(format!("{server}/api/v1/session"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let session: Session = request.send().await.ok()?.json().await.ok()?;
    let found = match session.role {
        Some(role) if role.includes(Role::Agent) => return None,
        Some(_) => "what --token-file holds is not an agent's: it may not run tasks",
        None if has_token => "it does not know, or not any more, what --token-file holds",
        None => "it asks who comes",
    };
    Some(
        Finding::error(format!("{server} answers, but {found}"))
            .remedy("ask an admin for a join token (page People and access) and enrol this machine")
            .command(format!(
                "voxloop agent --server {} --join TOKEN --token-file NEW_FILE",
                quoted(server)
            )),
    )
}

fn unreachable(server: &str, error: reqwest::Error) -> Finding {
    let what = if error.is_timeout() {
        "does not answer in time"
    } else if error.is_builder() {
        "is no address"
    } else {
        "cannot be reached"
    };
    let cause = ::agent::reach::cause(error);
    Finding::error(format!("{server} {what}: {cause}"))
        .remedy(
            "look whether the server runs, whether name and port are right, and whether a firewall \
             or a proxy stands in between",
        )
        .command(format!("curl -v {}", quoted(&format!("{server}/health"))))
}

fn fits(server: &str, health: &Health, took: Duration) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let found = format!("{server} answers in {} ms: voxloop {}", took.as_millis(), health.version);
    if health.version == own {
        Finding::ok(found)
    } else {
        Finding::warning(format!("{found}; this is voxloop {own}"))
            .remedy("bring server and agent to the same version")
    }
}

/// What the server's time says beside this machine's.
fn clock(server: SystemTime) -> Finding {
    let own = SystemTime::now();
    let difference = own
        .duration_since(server)
        .or_else(|_behind| server.duration_since(own))
        .unwrap_or_default();
    let found = format!("this clock and the server's differ by {} s", difference.as_secs());
    if difference > MAX_CLOCK_DIFFERENCE {
        Finding::warning(found)
            .remedy("set both clocks by the network")
            .command("sudo timedatectl set-ntp true")
    } else {
        Finding::ok(found)
    }
}
