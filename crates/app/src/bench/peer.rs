//! The peers: nibabel, FastAPI and PyTorch, in whichever Python has them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::child;

/// Does with nibabel what `bench-child` does with ours, and answers alike.
const SCRIPT: &str = include_str!("peer.py");

/// Pythons that are tried.
const USUAL: [&str; 2] = [".venv/bin/python", "python3"];

/// A Python with at least one of the peers.
#[derive(Debug, Clone)]
pub(super) struct Python {
    path: PathBuf,
    peers: Peers,
}

/// Versions of the peers.
#[derive(Debug, Clone, Deserialize)]
struct Peers {
    nibabel: Option<String>,
    fastapi: Option<String>,
    torch: Option<String>,
}

impl Python {
    /// The given one, or else the first of the usual ones with a peer.
    ///
    /// # Errors
    /// If the given one does not run or has no peer.
    pub(super) fn find(given: Option<&Path>) -> anyhow::Result<Option<Self>> {
        if let Some(path) = given {
            let flag = || format!("--python {}", path.display());
            let Some(python) = Self::ask(path).with_context(flag)? else {
                bail!("{}: it has neither nibabel nor FastAPI with uvicorn nor PyTorch", flag());
            };
            return Ok(Some(python));
        }
        // A Python that is missing or broken is one without peers: the table says so.
        Ok(USUAL.iter().find_map(|it| Self::ask(Path::new(it)).ok().flatten()))
    }

    fn ask(path: &Path) -> anyhow::Result<Option<Self>> {
        let peers: Peers = child::ask(Command::new(path).args(["-c", SCRIPT, "peers"]))?;
        let Peers { nibabel, fastapi, torch } = &peers;
        let has_peer = [nibabel, fastapi, torch].into_iter().any(Option::is_some);
        Ok(has_peer.then(|| Self { path: path.to_owned(), peers }))
    }

    /// Name and version of nibabel, where it is there.
    pub(super) fn nibabel(&self) -> Option<String> {
        self.peers.nibabel.as_ref().map(|it| format!("nibabel {it}"))
    }

    /// Name and version of FastAPI, where it is there.
    pub(super) fn fastapi(&self) -> Option<String> {
        self.peers.fastapi.as_ref().map(|it| format!("bare FastAPI {it}"))
    }

    /// The program itself.
    pub(super) fn program(&self) -> Command {
        Command::new(&self.path)
    }

    /// The script with these arguments.
    pub(super) fn command<I: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["-c", SCRIPT]).args(args);
        command
    }
}
