//! The address under which people reach a server. It leaves it in its data folder, so that links which
//! the command line makes begin with it.

use std::{fs, path::Path};

use server::settings::PublicUrl;

/// The file in the data folder.
const FILE: &str = "url";

/// Leaves the address of a server that starts.
pub(crate) fn leave(data_dir: &Path, url: &str) {
    if let Err(error) = fs::write(data_dir.join(FILE), url) {
        tracing::warn!(%error, "links of `voxloop admin` will not begin with {url}");
    }
}

/// The address of the server that was started last with this folder.
pub(crate) fn read(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join(FILE)).ok()?;
    PublicUrl::new(text.trim()).ok().map(|it| it.origin())
}
