//! Where a server keeps things, out of its settings.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use server::settings::Place;

use crate::config::{ServeArgs, named};

impl ServeArgs {
    /// Where the server is and keeps things, for a diagnosis.
    #[must_use]
    pub(crate) fn place(&self, listen: SocketAddr) -> Place {
        let database = self.database_url().unwrap_or_default();
        Place {
            listen,
            data_dir: self.data_dir.clone(),
            model_dir: self.model_dir.clone(),
            temp_dir: self.temp_dir.clone(),
            log_dir: Some(self.log_dir()),
            database: without_password(&database),
            token_file: named(self.token_file.as_deref()).map(Path::to_owned),
            bucket: self.bucket().map(str::to_owned),
        }
    }

    /// The bucket's address, where images and masks lie in one.
    #[must_use]
    pub(crate) fn bucket(&self) -> Option<&str> {
        self.object_store_url.as_deref().filter(|it| !it.is_empty())
    }

    /// Whether the database is another than the file in the data folder.
    #[must_use]
    pub(crate) fn has_database_url(&self) -> bool {
        self.database_url.as_deref().is_some_and(|it| !it.is_empty())
    }

    /// The folder that one server has at a time.
    #[must_use]
    pub(crate) fn lock_folder(&self) -> PathBuf {
        match self.bucket() {
            Some(_) => self.temp_dir.join("blob-cache"),
            None => self.data_dir.clone(),
        }
    }

    /// The folder of log files.
    #[must_use]
    pub(crate) fn log_dir(&self) -> PathBuf {
        self.data_dir.join("logs")
    }
}

/// An address whose password is dots, without its parameters.
pub(crate) fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (login, host) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:…@{host}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        let hidden = "postgres://me:…@host:5432/db";
        assert_eq!(without_password("postgres://me:se@cr:et@host:5432/db"), hidden);
        assert_eq!(without_password("postgres://me@host/db"), "postgres://me@host/db");
        assert_eq!(without_password("sqlite:///a/b.db"), "sqlite:///a/b.db");
    }
}
