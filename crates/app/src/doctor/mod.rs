//! `voxloop doctor`: what is wrong and what to do about it, whether the server runs or not. Looking
//! changes nothing. Ends with 0, or with 1 where something does not work.

mod agent;
mod print;
mod running;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use protocol::diagnosis::{BlobDepth, CheckName, CheckState, Diagnosis};
use server::{
    blobs::{BlobError, BlobStore, Bucket, Folder},
    clock::{Clock, SystemClock},
    diagnosis::{self, Finding, Other, Subject},
    engines::Engines,
    settings::Settings,
    store::Look,
};

use crate::{
    config::{self, ServeArgs},
    models::Models,
};

/// Settings of `voxloop doctor`: those of `serve`, so that it looks at the same server.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// Which stored files are read to compare them with their SHA-256.
    #[arg(long, value_enum, default_value_t = Blobs::Sample)]
    blobs: Blobs,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
    /// Look from an agent's machine: whether this server can be reached and is of the same version.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// With `--server`: certificates (PEM) that the agent trusts instead of the system's authorities.
    #[arg(long, env = "CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Which stored files are read.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Blobs {
    /// Every one.
    All,
    /// The newest, up to 256 MiB.
    Sample,
    /// None; only whether they are there.
    None,
}

impl From<Blobs> for BlobDepth {
    fn from(blobs: Blobs) -> Self {
        match blobs {
            Blobs::All => Self::All,
            Blobs::Sample => Self::Sample,
            Blobs::None => Self::None,
        }
    }
}

/// Looks and prints.
///
/// # Errors
/// If stdout cannot be written.
pub(crate) async fn doctor(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    // Only one TLS implementation is built in; saying so twice is no error.
    rustls::crypto::ring::default_provider().install_default().ok();
    let diagnosis = match &args.server {
        Some(url) => agent::examine(url, &args.serve, args.ca_file.as_deref()).await,
        None => examine(&args).await,
    };
    if args.json {
        print::json(&diagnosis)?;
    } else {
        print::table(&diagnosis)?;
    }
    let is_broken = diagnosis.worst == CheckState::Error;
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Lets the server that has the data folder look at itself; looks at folders and database from
/// outside where none does.
async fn examine(args: &DoctorArgs) -> Diagnosis {
    let serve = &args.serve;
    let folder = serve.lock_folder();
    let mut other = None;
    if Folder::is_in_use(&folder).unwrap_or(false) {
        let listen = Folder::address(&folder);
        match running::ask(serve, listen, args.blobs.into()).await {
            Ok(it) => return it,
            Err(why) => other = Some(Other { listen, why }),
        }
    }
    let (mut settings, refused) = match serve.settings() {
        Ok(it) => (it, None),
        Err(error) => (Settings::default(), Some(format!("{error:#}"))),
    };
    settings.place = Some(serve.place(serve.listen));
    let looked = look(serve, other.is_some()).await;
    let subject = Subject {
        settings: Arc::new(settings),
        database: looked.as_ref().map(|it| it.store.clone()).map_err(Clone::clone),
        blobs: blobs(serve),
        engines: Models::new(serve.model_dir.clone()).list(),
        server: None,
        other,
        depth: args.blobs.into(),
        now_ms: SystemClock.now_ms(),
    };
    let mut diagnosis = diagnosis::examine(&subject).await;
    if let Some(error) = refused {
        let finding = Finding::error(error).remedy("the server does not start with this setting");
        replace(&mut diagnosis, finding, CheckName::Settings);
    }
    diagnosis
}

fn replace(diagnosis: &mut Diagnosis, finding: Finding, name: CheckName) {
    let check = finding.named(name);
    diagnosis.worst = diagnosis.worst.max(check.state);
    if let Some(it) = diagnosis.checks.iter_mut().find(|it| it.name == name) {
        *it = check;
    }
}

async fn look(serve: &ServeArgs, is_in_use: bool) -> Result<Look, Finding> {
    let url = serve.database_url().map_err(|it| Finding::error(format!("{it:#}")))?;
    match Look::open(&url, is_in_use).await {
        Ok(Some(it)) => Ok(it),
        Ok(None) => {
            Err(Finding::note("there is no database yet; the first start of the server makes it"))
        }
        Err(error) => Err(diagnosis::of_database(&error)),
    }
}

fn blobs(serve: &ServeArgs) -> Result<Arc<dyn BlobStore>, Finding> {
    let bucket = serve.bucket();
    let Some(url) = bucket else {
        if !serve.data_dir.join("blobs").exists() {
            return Err(Finding::note("nothing is stored yet"));
        }
        return Ok(Arc::new(Folder::look(&serve.data_dir)));
    };
    let bucket: Result<_, BlobError> =
        Bucket::look(url, config::aws_variables(), &serve.lock_folder());
    match bucket {
        Ok(it) => Ok(Arc::new(it)),
        Err(error) => Err(Finding::error(error.to_string())
            .remedy("name the bucket as s3://bucket or s3://bucket/prefix")
            .command("OBJECT_STORE_URL=s3://bucket/prefix")),
    }
}
