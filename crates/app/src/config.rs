//! Settings: flags, environment, `.env` files, defaults, resolved once. The only place that reads
//! the environment.

mod agent;
mod monitor;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, builder::RangedU64ValueParser};
use engine::medsam2::{Compute, DeviceChoice, PrecisionChoice};
use server::{
    settings::{Cors, PublicUrl, Settings},
    store::sqlite_url,
};

use crate::{
    program_args::{ExecArgs, ProgramArgs},
    token_file::{self, Holder},
    transport_args::{self, TlsArgs},
};

pub(crate) use agent::AgentArgs;
pub(crate) use monitor::{MonitorArgs, host_name};

/// Settings of `voxloop serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port of page, API and documentation.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// Folder of the database, images and masks.
    #[arg(long, env = "DATA_ROOT", default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Folder of model weights.
    #[arg(long, env = "MODEL_ROOT", default_value = "./models", value_name = "DIR")]
    pub(crate) model_dir: PathBuf,
    /// Folder of files that need not survive a restart.
    #[arg(long, env = "TEMP_ROOT", default_value = "./temp", value_name = "DIR")]
    pub(crate) temp_dir: PathBuf,
    /// Room on disk for what `medsam2` made of slices, in the folder of `--temp-dir`; 0 keeps nothing.
    #[arg(long, env = "EMBEDDING_CACHE", default_value = "2G", value_parser = parse_bytes, value_name = "SIZE")]
    pub(crate) embedding_cache: u64,
    /// Database: a `sqlite:` or `postgres:` URL; a file in the data folder by default.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Storage of images and masks: `s3://bucket/prefix` with the usual `AWS_…` variables; the data
    /// folder by default.
    #[arg(long, env = "OBJECT_STORE_URL", value_name = "URL")]
    pub(crate) object_store_url: Option<String>,
    /// Largest upload, such as 500M or 4G.
    #[arg(long, env = "MAX_UPLOAD", default_value = "4G", value_parser = parse_bytes, value_name = "SIZE")]
    pub(crate) max_upload: u64,
    /// Largest image after decompression.
    #[arg(long, env = "MAX_IMAGE", default_value = "8G", value_parser = parse_bytes, value_name = "SIZE")]
    pub(crate) max_image: u64,
    /// Largest JSON body: prompts, edits, what agents say.
    #[arg(long, env = "MAX_JSON", default_value = "1M", value_parser = parse_bytes, value_name = "SIZE")]
    pub(crate) max_json: u64,
    /// Tasks that the server's own agent runs at once.
    #[arg(long, env = "MAX_CONCURRENT_JOBS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(crate) max_concurrent_jobs: u16,
    /// How and where networks compute.
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// Origins whose pages may call: a list separated by commas, or `*`; only the own page by default.
    #[arg(long, env = "CORS_ORIGIN", default_value = "", value_name = "ORIGINS")]
    pub(crate) cors_origin: String,
    /// Addresses under which people reach the server where it is not loopback, such as
    /// `https://seg.example.org`, separated by commas.
    #[arg(long, env = "PUBLIC_URL", value_delimiter = ',', value_name = "URL")]
    pub(crate) public_url: Vec<String>,
    /// HTTPS, by the server itself or by a proxy.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// File of a token that lets its holder do everything; people can sign in without.
    #[arg(long, env = "TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Seconds that segmenting a slice may take.
    #[arg(long, env = "SLICE_TIME_LIMIT", default_value_t = 360, value_parser = seconds(), value_name = "SECS")]
    pub(crate) slice_time_limit: u64,
    /// Seconds that a propagation may take.
    #[arg(long, env = "PROPAGATE_TIME_LIMIT", default_value_t = 10_800, value_parser = seconds(), value_name = "SECS")]
    pub(crate) propagate_time_limit: u64,
    /// Seconds without a sign of life after which an agent's task is handed on.
    #[arg(long, env = "LEASE_SECS", default_value_t = 60, value_parser = seconds(), value_name = "SECS")]
    pub(crate) lease_secs: u64,
    /// Seconds between an agent's signs of life.
    #[arg(long, env = "HEARTBEAT_SECS", default_value_t = 15, value_parser = seconds(), value_name = "SECS")]
    pub(crate) heartbeat_secs: u64,
    /// Whom programs of one's own are run by.
    #[command(flatten)]
    pub(crate) programs: ProgramArgs,
    /// The program that the server's own agent runs.
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    /// How often the machine says how it is.
    #[command(flatten)]
    pub(crate) monitor: MonitorArgs,
    /// Do not run tasks here; agents on other machines do.
    #[arg(long, env = "NO_AGENT")]
    pub(crate) no_agent: bool,
}

/// A time in seconds: at least one, at most a year.
pub(crate) fn seconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=365 * 24 * 60 * 60)
}

/// How and where networks compute, in a server as in an agent.
#[derive(Debug, Args)]
pub(crate) struct ComputeArgs {
    /// Where `medsam2` computes: the CPU, or an NVIDIA GPU where the build has CUDA; auto takes the
    /// first GPU where there is one.
    #[arg(long, env = "DEVICE", default_value_t, value_name = "auto|cpu|cuda|cuda:N")]
    device: DeviceChoice,
    /// Numbers that `medsam2` computes in: bf16 is faster where the processor multiplies it, which
    /// auto looks at; with f32 a mask does not depend on the machine.
    #[arg(long, env = "PRECISION", default_value = "auto", value_name = "auto|f32|bf16")]
    precision: PrecisionChoice,
    /// Part of the GPU's memory that engines may use.
    #[arg(long, env = "GPU_MEMORY_LIMIT", default_value_t = 0.8, value_parser = parse_part, value_name = "0–1")]
    gpu_memory_limit: f64,
}

impl ComputeArgs {
    /// The choice, if this build can compute so.
    ///
    /// # Errors
    /// If it cannot.
    pub(crate) fn check(&self) -> anyhow::Result<Compute> {
        let Self { device, precision, gpu_memory_limit } = *self;
        device.check()?;
        Ok(Compute { precision, device, gpu_memory_limit })
    }

    /// Where to compute.
    pub(crate) fn device(&self) -> DeviceChoice {
        self.device
    }
}

impl ServeArgs {
    /// The server's settings; where it is, is filled in once it listens.
    ///
    /// # Errors
    /// If `--public-url` is no address or is missing off loopback, the token cannot be used, or the
    /// lease is too short for the heartbeat.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        if self.heartbeat_secs * 2 > self.lease_secs {
            bail!(
                "--heartbeat-secs {} must be at most half of --lease-secs {}",
                self.heartbeat_secs,
                self.lease_secs
            );
        }
        let token = named(self.token_file.as_deref())
            .map(|it| token_file::read(it, Holder::Server))
            .transpose()?;
        let mut settings = Settings {
            max_upload_bytes: self.max_upload,
            max_image_bytes: self.max_image,
            max_json_bytes: usize::try_from(self.max_json).unwrap_or(usize::MAX),
            lease: Duration::from_secs(self.lease_secs),
            heartbeat: Duration::from_secs(self.heartbeat_secs),
            slice_time_limit: Duration::from_secs(self.slice_time_limit),
            propagate_time_limit: Duration::from_secs(self.propagate_time_limit),
            cors: parse_cors(&self.cors_origin),
            public_urls: self.public_urls()?,
            tls: self.tls.files()?,
            proxies: self.tls.behind_proxy.0.clone(),
            token: token.map(|it| it.token),
            gpu_memory_limit: self.compute.gpu_memory_limit,
            max_concurrent_jobs: usize::from(self.max_concurrent_jobs),
            ..Settings::default()
        };
        transport_args::check_schemes(&settings)?;
        self.programs.apply(&mut settings);
        self.check_programs(settings.use_local_inference)?;
        if !self.listen.ip().is_loopback() {
            check_open_to_others(self.listen, &settings)?;
        }
        Ok(settings)
    }

    /// A program that would never run is a mistake.
    fn check_programs(&self, use_local_inference: Option<bool>) -> anyhow::Result<()> {
        match (self.no_agent, self.exec.is_given(), use_local_inference) {
            (true, true, _) => bail!(
                "--no-agent: a program of --exec is run by the server's own agent; leave one of \
                 them out"
            ),
            (true, _, Some(false)) => bail!(
                "--no-agent: --use-local-inference false leaves programs to the server's own \
                 agent; leave one of them out"
            ),
            (_, true, Some(true)) => bail!(
                "--use-local-inference true: agents elsewhere run programs, and that of --exec \
                 would never run; leave one of them out"
            ),
            _ => Ok(()),
        }
    }

    /// The text of the token, where one is named.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub(crate) fn token(&self) -> anyhow::Result<Option<String>> {
        token_text(self.token_file.as_deref(), Holder::Server)
    }

    /// The addresses of `--public-url`; one address that is listened on is public by itself.
    fn public_urls(&self) -> anyhow::Result<Vec<PublicUrl>> {
        let mut urls: Vec<String> = self
            .public_url
            .iter()
            .map(|it| it.trim().to_owned())
            .filter(|it| !it.is_empty())
            .collect();
        let ip = self.listen.ip();
        if !ip.is_loopback() && !ip.is_unspecified() && self.listen.port() != 0 {
            let scheme = if self.tls.is_spoken() { "https" } else { "http" };
            urls.push(format!("{scheme}://{}", self.listen));
        }
        let mut seen = BTreeSet::new();
        urls.retain(|it| seen.insert(it.trim_end_matches('/').to_owned()));
        urls.iter().map(|it| PublicUrl::new(it).context("--public-url")).collect()
    }

    /// The database's address: as set, or a file in the data folder.
    ///
    /// # Errors
    /// If the data folder's path cannot be made absolute.
    pub(crate) fn database_url(&self) -> anyhow::Result<String> {
        match self.database_url.as_deref().filter(|it| !it.is_empty()) {
            Some(url) => Ok(url.to_owned()),
            None => sqlite_url(&self.data_dir.join("voxloop.db")).context("--data-dir"),
        }
    }
}

/// Off loopback only a known name is answered; who comes is asked there in any case.
fn check_open_to_others(listen: SocketAddr, settings: &Settings) -> anyhow::Result<()> {
    if settings.public_urls.is_empty() {
        bail!(
            "--listen {listen}: say with --public-url under which address people reach the server, \
             such as https://seg.example.org or https://192.168.1.5:{}; others are refused. For \
             yourself alone, use --listen 127.0.0.1:{} and reach it by an SSH tunnel",
            listen.port(),
            listen.port()
        );
    }
    Ok(())
}

/// The text of the token, where a file of it is named.
fn token_text(file: Option<&Path>, holder: Holder) -> anyhow::Result<Option<String>> {
    let file = named(file).map(|it| token_file::read(it, holder)).transpose()?;
    Ok(file.map(|it| it.text))
}

/// A setting that is empty in an environment file is not set.
pub(crate) fn named(path: Option<&Path>) -> Option<&Path> {
    path.filter(|it| !it.as_os_str().is_empty())
}

fn parse_cors(text: &str) -> Cors {
    match text.trim() {
        "" => Cors::SameOrigin,
        "*" => Cors::Any,
        list => Cors::These(list.split(',').map(|it| it.trim().to_owned()).collect()),
    }
}

/// Reads `500M`, `4G` or plain bytes; the units are powers of 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim().trim_end_matches(['B', 'b', 'i']);
    let (number, shift) = match text.chars().last().map(|it| it.to_ascii_uppercase()) {
        Some('K') => (&text[..text.len() - 1], 10),
        Some('M') => (&text[..text.len() - 1], 20),
        Some('G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    number
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|it| it.checked_mul(1 << shift))
        .ok_or_else(|| "expected a size such as 500M, 4G or a number of bytes".to_owned())
}

fn parse_part(text: &str) -> Result<f64, String> {
    let part: f64 = text.parse().map_err(|_no_number| "expected a number".to_owned())?;
    if (0.0..=1.0).contains(&part) { Ok(part) } else { Err("expected 0 to 1".to_owned()) }
}

/// Reads `--env-file` and `.env` into the environment; what is set there already stays.
///
/// # Errors
/// If a file that is named cannot be read.
pub(crate) fn read_env_files() -> anyhow::Result<()> {
    if let Some(path) = env_file_argument(std::env::args_os()) {
        dotenvy::from_path(&path).with_context(|| format!("--env-file {}", path.display()))?;
    }
    match dotenvy::from_path(Path::new(".env")) {
        Err(error) if !error.not_found() => Err(error).context(".env"),
        Ok(()) | Err(_) => take_older_name(),
    }
}

/// Takes the server's address under the name that agents of the older pull API have for it.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn take_older_name() -> anyhow::Result<()> {
    let older = std::env::var("DJANGO_API_URL").unwrap_or_default();
    if older.is_empty() {
        return Ok(());
    }
    // Like a line of a file: what is set under the name of today stays.
    dotenvy::from_read(format!("VOXLOOP_SERVER='{older}'").as_bytes()).context("DJANGO_API_URL")
}

/// The value of `--env-file`, which is needed before the other arguments are read.
fn env_file_argument(args: impl Iterator<Item = std::ffi::OsString>) -> Option<PathBuf> {
    let mut args = args.skip(1);
    while let Some(arg) = args.next() {
        if arg == "--env-file" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|it| it.strip_prefix("--env-file=")) {
            return Some(PathBuf::from(path));
        }
    }
    None
}

/// The `AWS_…` variables, for the object storage.
pub(crate) fn aws_variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(key, _)| key.starts_with("AWS_"))
}

/// What a hub asks for where a model is not open to everybody.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn hub_token() -> Option<String> {
    std::env::var("HF_TOKEN").ok().filter(|it| !it.is_empty())
}

/// The runtime of the commands that talk over the network.
///
/// # Errors
/// If the system gives no threads.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_bytes("4G"), Ok(4 << 30));
        assert_eq!(parse_bytes("500MB"), Ok(500 << 20));
        assert_eq!(parse_bytes("7 KiB"), Ok(7 << 10));
        assert_eq!(parse_bytes("12345"), Ok(12345));
        for text in ["four", "99999999999G"] {
            assert!(parse_bytes(text).unwrap_err().contains("expected a size"));
        }
    }

    #[test]
    fn the_env_file_is_found_among_the_arguments() {
        let args = |list: &[&str]| list.iter().map(|it| (*it).into()).collect::<Vec<_>>();
        let found = |list: &[&str]| env_file_argument(args(list).into_iter());
        assert_eq!(found(&["voxloop", "serve", "--env-file", "a.env"]), Some("a.env".into()));
        assert_eq!(found(&["voxloop", "--env-file=b.env", "serve"]), Some("b.env".into()));
        assert_eq!(found(&["voxloop", "serve"]), None);
    }

    #[test]
    fn origins_are_the_own_page_a_list_or_all() {
        assert_eq!(parse_cors(""), Cors::SameOrigin);
        assert_eq!(parse_cors("*"), Cors::Any);
        let list = Cors::These(vec!["http://a".to_owned(), "http://b:1".to_owned()]);
        assert_eq!(parse_cors("http://a, http://b:1"), list);
    }
}
