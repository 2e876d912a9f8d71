//! `voxloop models`: which weights there are, fetching them, checking them, taking them from a file.

mod download;
mod import;
mod list;
mod progress;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use ::models::{
    catalogue::{self, MODELS, Model},
    folder::ModelFolder,
    hub::{HUGGING_FACE, Hub},
};
use clap::{Args, Subcommand};
use engine::{
    Medsam2,
    medsam2::{Compute, DeviceChoice, OpenError},
};
use sam2::LoadError;

use crate::config;

/// Arguments of `voxloop models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Folder of model weights.
    #[arg(long, env = "MODEL_ROOT", default_value = "./models", value_name = "DIR", global = true)]
    model_dir: PathBuf,
    /// One JSON document instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

/// What is done with models.
#[derive(Debug, Subcommand)]
enum Action {
    /// The published models, what of them is here, and which files belong where.
    List(HubArgs),
    /// Fetch a model and check it. Run again after an interruption: it goes on from there.
    Download {
        /// The model, as `voxloop models list` calls it.
        #[arg(value_parser = parse_name)]
        name: &'static Model,
        #[command(flatten)]
        hub: HubArgs,
        /// No progress on stderr.
        #[arg(long)]
        quiet: bool,
    },
    /// Read the models that are here whole, compare them with their SHA-256, and load them. Ends with
    /// 1 where one is damaged or cannot be used.
    Verify,
    /// Take weights from a file: one that was carried here, or weights of your own.
    Import {
        /// The checkpoint.
        file: PathBuf,
        /// Its dimensions; by default those of the YAML beside it, of the same name or called
        /// `sam2.1_hiera_t512.yaml`, else the published ones.
        #[arg(long, value_name = "YAML")]
        config: Option<PathBuf>,
        /// The model that it takes the place of; by default the one whose file has its name.
        #[arg(long = "as", value_name = "NAME", value_parser = parse_name)]
        name: Option<&'static Model>,
    },
}

/// Where models come from.
#[derive(Debug, Args)]
struct HubArgs {
    /// Hugging Face, or a mirror with the same addresses.
    #[arg(
        long = "hub",
        env = "HF_ENDPOINT",
        default_value = HUGGING_FACE,
        value_name = "URL",
        value_parser = parse_endpoint
    )]
    endpoint: String,
}

impl HubArgs {
    fn open(&self) -> anyhow::Result<Hub> {
        // Only one TLS implementation is built in; saying so twice is no error.
        rustls::crypto::ring::default_provider().install_default().ok();
        Ok(Hub::new(&self.endpoint, config::hub_token().as_deref())?)
    }
}

/// Runs `voxloop models`.
///
/// # Errors
/// If a model cannot be fetched or imported, or a folder or file not be read or written.
pub(crate) fn run(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    let folder = ModelFolder::new(&args.model_dir);
    folder.remove_leftovers();
    let is_json = args.json;
    match &args.action {
        Action::List(hub) => list::run(&folder, &hub.endpoint, is_json),
        Action::Download { name, hub, quiet } => {
            let how = download::How { is_json, is_quiet: *quiet };
            config::runtime()?.block_on(download::run(name, &folder, &hub.open()?, &how))
        }
        Action::Verify => verify::run(&folder, &args.model_dir, is_json),
        Action::Import { file, config, name } => {
            import::run(file, config.as_deref(), *name, &folder, is_json)
        }
    }
}

fn parse_name(text: &str) -> Result<&'static Model, String> {
    catalogue::find(text).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|it| it.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// An empty variable in an environment file is not set.
fn parse_endpoint(text: &str) -> Result<String, String> {
    match text {
        "" => Ok(HUGGING_FACE.to_owned()),
        it => match reqwest::Url::parse(it) {
            // It is shown, and recorded with what was fetched.
            Ok(url) if url.password().is_some() || !url.username().is_empty() => {
                Err("expected an address without a password; HF_TOKEN takes a token".to_owned())
            }
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                Ok(it.to_owned())
            }
            Ok(_) | Err(_) => Err(format!("expected an address such as {HUGGING_FACE}")),
        },
    }
}

/// Why no network can be made of weights.
struct Unusable {
    /// Without the file: whoever reads it knows which one is meant, and perhaps not under this name.
    problem: String,
    /// They may be of other dimensions than the configuration says.
    is_mismatch: bool,
}

/// Whether the network can be made of these weights, and why not.
fn check_loads(weights: &Path, config: Option<&Path>) -> Result<(), Unusable> {
    let compute = Compute { device: DeviceChoice::Cpu, ..Compute::default() };
    let Err(error) = Medsam2::open(weights, config, compute) else { return Ok(()) };
    let problem = match &error {
        OpenError::Weights { cause, .. } => cause.to_string(),
        OpenError::Config { cause, .. } => cause.to_string(),
        OpenError::Unreadable { cause, .. } => cause.to_string(),
        OpenError::Missing(_)
        | OpenError::Folder(_)
        | OpenError::NoCuda(_)
        | OpenError::Device { .. } => error.to_string(),
    };
    let is_mismatch = matches!(error, OpenError::Weights { cause: LoadError::Mismatch(_), .. });
    Err(Unusable { problem, is_mismatch })
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_configuration_has_the_dimensions_of_the_preset() {
        let read = sam2::Config::from_yaml(catalogue::PUBLISHED_CONFIG_TEXT).unwrap();
        assert_eq!(read, sam2::Config::sam2_1_hiera_t512());
        assert_eq!(catalogue::PUBLISHED_CONFIG, engine::medsam2::CONFIG);
        assert_eq!(MODELS[0].file, engine::medsam2::CHECKPOINT);
        assert!(MODELS.iter().all(|it| it.licence == engine::medsam2::LICENCE));
    }

    #[test]
    fn an_address_of_a_hub_is_one() {
        for text in ["https://hf-mirror.com", "http://127.0.0.1:8080/mirror/"] {
            assert_eq!(parse_endpoint(text), Ok(text.to_owned()));
        }
        assert_eq!(parse_endpoint(""), Ok(HUGGING_FACE.to_owned()));
        for text in ["hf-mirror.com", "ftp://hub", "file:///hub"] {
            assert!(parse_endpoint(text).unwrap_err().contains("https://huggingface.co"));
        }
        assert!(parse_endpoint("https://me:secret@hub").unwrap_err().contains("HF_TOKEN"));
    }
}
