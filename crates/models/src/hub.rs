//! The hub that publishes models: Hugging Face, or a mirror with the same addresses.

use reqwest::{
    Client, Response, StatusCode,
    header::{AUTHORIZATION, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION},
};

use crate::{
    catalogue::{Model, PUBLISHED_CONFIG_TEXT},
    digest,
    download::{self, Progress},
    error::ModelError,
    folder::ModelFolder,
    record::{Record, State},
};

/// Where models come from unless a mirror is named.
pub const HUGGING_FACE: &str = "https://huggingface.co";

/// SHA-256 of a large file, on the hub's own answer, before it sends the client to its storage.
const LINKED_ETAG: HeaderName = HeaderName::from_static("x-linked-etag");
/// Bytes of that file.
const LINKED_SIZE: HeaderName = HeaderName::from_static("x-linked-size");
/// Commit of the repository that the answer is about.
const COMMIT: HeaderName = HeaderName::from_static("x-repo-commit");

/// A hub and how to reach it.
#[derive(Debug, Clone)]
pub struct Hub {
    endpoint: String,
    /// Follows redirects to the storage; a token is not sent along to another host.
    client: Client,
    /// Follows none: the hub's own answer is what counts.
    asking: Client,
}

/// What the hub says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) url: String,
    pub(crate) size: u64,
    /// SHA-256, where the hub announces one.
    pub(crate) sha256: Option<String>,
    /// SHA-256, or another mark of this version of the file.
    pub(crate) identity: String,
    pub(crate) commit: Option<String>,
}

impl Remote {
    /// What is known of a file that is this one.
    pub(crate) fn record(&self, sha256: String) -> Record {
        Record {
            sha256,
            size: self.size,
            announced: self.sha256.is_some(),
            source: self.url.clone(),
            commit: self.commit.clone(),
            config: Some(digest::of_bytes(PUBLISHED_CONFIG_TEXT.as_bytes())),
        }
    }

    /// The record of the model's file, if that is this one.
    async fn is_here(
        &self,
        model: &Model,
        folder: &ModelFolder,
    ) -> Result<Option<Record>, ModelError> {
        let Some(announced) = &self.sha256 else { return Ok(None) };
        if !matches!(folder.state(model), Ok(State::Present { size, .. }) if size == self.size) {
            return Ok(None);
        }
        let found = download::hash(&folder.path(model), &self.url).await?;
        if found != *announced {
            return Ok(None);
        }
        let record = self.record(found);
        folder.pin(model, &record)?;
        Ok(Some(record))
    }
}

/// How a model came to be here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It was fetched now.
    Now(Record),
    /// The file that was here is what the hub announces; nothing was fetched.
    Before(Record),
}

impl Hub {
    /// A hub at `endpoint`; `token` is for models that are not open to everybody. Proxies are taken
    /// from the environment.
    ///
    /// # Errors
    /// If the token does not fit into a header, or TLS cannot be set up.
    pub fn new(endpoint: &str, token: Option<&str>) -> Result<Self, ModelError> {
        let bad = |problem: String| ModelError::BadAnswer { url: endpoint.to_owned(), problem };
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|it| bad(format!("HF_TOKEN: {it}")))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder = || {
            Client::builder()
                .default_headers(headers.clone())
                .connect_timeout(download::CONNECT_TIMEOUT)
                .read_timeout(download::SILENCE)
        };
        let build = |it: reqwest::ClientBuilder| it.build().map_err(|it| bad(it.to_string()));
        Ok(Self {
            endpoint: endpoint.to_owned(),
            client: build(builder())?,
            asking: build(builder().redirect(reqwest::redirect::Policy::none()))?,
        })
    }

    /// Fetches a model into the folder, going on where an earlier attempt ended, and checks it. A file
    /// that is here already is read and not fetched again, wherever it came from.
    ///
    /// # Errors
    /// If the hub cannot be reached or refuses, the connection is cut again and again, the bytes are
    /// not those announced, or the folder cannot be written.
    pub async fn fetch(
        &self,
        model: &Model,
        folder: &ModelFolder,
        progress: &dyn Progress,
    ) -> Result<Fetched, ModelError> {
        let remote = self.describe(model, folder).await?;
        if let Some(record) = remote.is_here(model, folder).await? {
            return Ok(Fetched::Before(record));
        }
        let record = download::fetch(&self.client, &remote, model, folder, progress).await?;
        Ok(Fetched::Now(record))
    }

    /// The address of a model's file.
    #[must_use]
    pub fn url(&self, model: &Model) -> String {
        model.url(&self.endpoint)
    }

    async fn describe(&self, model: &Model, folder: &ModelFolder) -> Result<Remote, ModelError> {
        let url = self.url(model);
        let answer = self.asking.head(&url).send().await;
        let mut answer = answer.map_err(|it| ModelError::Unreachable {
            url: url.clone(),
            place: folder.path(model),
            cause: cause(&it),
        })?;
        let linked = announced(answer.headers());
        // A renamed repository answers with a redirect that says nothing of the file.
        if linked.is_none() && answer.status().is_redirection() {
            let next = self.client.head(&url).send().await;
            answer = next.map_err(|it| ModelError::Unreachable {
                url: url.clone(),
                place: folder.path(model),
                cause: cause(&it),
            })?;
        }
        check_status(&url, &answer)?;
        let headers = answer.headers();
        let sha256 = linked.or_else(|| announced(headers));
        let size = number(headers, &LINKED_SIZE)
            .or_else(|| number(headers, &reqwest::header::CONTENT_LENGTH))
            .filter(|it| *it > 0)
            .ok_or_else(|| ModelError::BadAnswer {
                url: url.clone(),
                problem: "the answer does not say how large the file is".to_owned(),
            })?;
        let mark = sha256.clone().or_else(|| text(headers, &ETAG)).unwrap_or_default();
        let identity = identity(&mark, size);
        Ok(Remote { url, size, sha256, identity, commit: text(headers, &COMMIT) })
    }
}

/// A redirect to the storage is as good as the file.
fn check_status(url: &str, answer: &Response) -> Result<(), ModelError> {
    let status = answer.status();
    let is_elsewhere = status.is_redirection() && answer.headers().contains_key(LOCATION);
    if status.is_success() || is_elsewhere {
        return Ok(());
    }
    Err(refused(url, status))
}

pub(crate) fn refused(url: &str, status: StatusCode) -> ModelError {
    let advice = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "the model is not open to everybody: accept its terms on the hub and set HF_TOKEN"
        }
        StatusCode::NOT_FOUND => "there is no such file; HF_ENDPOINT may name the wrong mirror",
        StatusCode::TOO_MANY_REQUESTS => "too many downloads from here; try again later",
        it if it.is_server_error() => "the hub is not well; try again later",
        _ => "the hub does not give the file out",
    };
    ModelError::Refused { url: url.to_owned(), status: status.as_u16(), advice }
}

/// The SHA-256 that the hub announces; tags of small files are no SHA-256.
fn announced(headers: &HeaderMap) -> Option<String> {
    text(headers, &LINKED_ETAG)
        .map(|it| it.trim_matches('"').to_ascii_lowercase())
        .filter(|it| it.len() == 64 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    text(headers, name).and_then(|it| it.parse().ok())
}

/// A name for this version of a file that is safe as part of a file name.
fn identity(mark: &str, size: u64) -> String {
    let kept: String = mark.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    format!("{kept}-{size}.part")
}

/// The innermost cause, which says what the network did.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(it) = inner.source() {
        inner = it;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sha256_counts_as_announced() {
        let with = |text: &str| {
            HeaderMap::from_iter([(LINKED_ETAG, HeaderValue::from_str(text).unwrap())])
        };
        let digest = "AB".repeat(32);
        assert_eq!(announced(&with(&format!("\"{digest}\""))), Some("ab".repeat(32)));
        assert_eq!(announced(&with("\"d41d8cd98f00b204e9800998ecf8427e\"")), None);
    }

    #[test]
    fn an_identity_never_leaves_the_folder() {
        assert_eq!(identity("W/\"../../etc\"", 7), "Wetc-7.part");
    }
}
