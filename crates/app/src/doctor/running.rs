//! The server that has the data folder, asked to look at itself.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use protocol::{
    diagnosis::{BlobDepth, Diagnosis},
    system::ErrorBody,
};
use reqwest::{Certificate, Client, Response, StatusCode, header::HOST};
use server::{diagnosis::Finding, settings::Place, tls::Identity};

use crate::config::ServeArgs;

/// How long it may take; reading every stored file takes as long as it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server at `listen` says of itself. The address is the one that it left in its folder:
/// nobody else is shown the token.
///
/// # Errors
/// Why it does not say it.
pub(super) async fn ask(
    serve: &ServeArgs,
    listen: Option<SocketAddr>,
    depth: BlobDepth,
) -> Result<Diagnosis, Finding> {
    let Some(listen) = listen else {
        return Err(Finding::warning("a server uses the data folder but has not said where it is")
            .remedy("wait until it has started, or look into its log"));
    };
    let address = Place::from_here(listen);
    let token = serve.token().map_err(|it| Finding::warning(format!("{it:#}")))?;
    let has_token = token.is_some();
    let identity = serve.tls.files().ok().flatten().and_then(|it| it.read().ok());
    let base = base(identity.as_ref(), address);
    let client = client(depth, identity.as_ref(), address).map_err(|it| silent(address, &it))?;
    let depth = match depth {
        BlobDepth::All => "all",
        BlobDepth::Sample => "sample",
        BlobDepth::None => "none",
    };
    let url = format!("{base}/api/v1/system/diagnosis?blobs={depth}");
    // By whatever name its certificate is asked for, the server knows itself by this one.
    let mut request = client.get(url).header(HOST, address.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(|it| silent(address, &it))?;
    if !answer.status().is_success() {
        return Err(refused(address, answer, has_token).await);
    }
    answer.json().await.map_err(|_no_diagnosis| {
        Finding::warning(format!("the server at {address} is of another version"))
            .remedy("use `voxloop doctor` of the version that runs")
    })
}

/// How the server is called: over HTTPS by a name that its certificate is for.
fn base(identity: Option<&Identity>, address: SocketAddr) -> String {
    match identity {
        None => format!("http://{address}"),
        Some(it) => match name_of(it, address) {
            Some(name) => format!("https://{name}:{}", address.port()),
            None => format!("https://{address}"),
        },
    }
}

/// A name of the certificate, where it is not for the address itself.
fn name_of(identity: &Identity, address: SocketAddr) -> Option<String> {
    if identity.is_for(&address.ip().to_string()) {
        return None;
    }
    let names = identity.facts()?.names;
    let name = names.into_iter().find(|it| it.parse::<IpAddr>().is_err())?;
    Some(name.replace('*', "doctor"))
}

fn client(
    depth: BlobDepth,
    identity: Option<&Identity>,
    address: SocketAddr,
) -> reqwest::Result<Client> {
    let mut client =
        Client::builder().connect_timeout(Duration::from_secs(5)).no_proxy().http1_only();
    if let Some(identity) = identity {
        let chain = identity.chain().iter().map(|it| Certificate::from_der(it));
        client = client.tls_certs_merge(chain.collect::<Result<Vec<_>, _>>()?);
        if let Some(name) = name_of(identity, address) {
            client = client.resolve(&name, address);
        }
    }
    match depth {
        BlobDepth::All => client.build(),
        BlobDepth::Sample | BlobDepth::None => client.timeout(PATIENCE).build(),
    }
}

fn silent(address: SocketAddr, error: &reqwest::Error) -> Finding {
    let what = if error.is_timeout() { " in time" } else { "" };
    Finding::warning(format!(
        "a server uses the data folder but does not answer{what} at {address}"
    ))
    .remedy("look into its log; start it anew if it hangs")
}

/// A server that answers and refuses is well: it only does not look at itself for everybody.
async fn refused(address: SocketAddr, answer: Response, has_token: bool) -> Finding {
    let status = answer.status();
    if status != StatusCode::UNAUTHORIZED {
        let said = answer.json::<ErrorBody>().await.map(|it| format!(": {}", it.error.message));
        let said = said.unwrap_or_default();
        return Finding::warning(format!("the server at {address} answers {status}{said}"))
            .remedy("look into its log");
    }
    let finding = if has_token {
        Finding::warning(format!(
            "the server at {address} runs, but knows another token than the one of --token-file"
        ))
    } else {
        Finding::note(format!("the server at {address} runs, but asks who comes"))
    };
    finding
        .remedy(
            "to let it look at itself, name the file of its token, or of an admin's (voxloop admin \
             tokens make doctor --role admin)",
        )
        .command("voxloop doctor --token-file FILE (TOKEN_FILE)")
}
