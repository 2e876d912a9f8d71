//! Settings of a laboratory's own programs: what an agent runs, and whom the server asks.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use agent::program::Program;
use anyhow::{Context, ensure};
use clap::Args;
use server::settings::{IpNet, Settings};

use crate::config::{parse_bytes, seconds};

/// Which program an agent runs.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Command of a program of your own that runs the requests for it: a task as JSON on its standard
    /// input, results in a folder; see docs/own-model.md.
    #[arg(long, env = "EXEC", value_name = "CMD")]
    exec: Option<String>,
    /// Name under which requests ask for that program; its script's by default.
    #[arg(long, env = "EXEC_NAME", value_name = "NAME")]
    exec_name: Option<String>,
    /// Most that one run of that program may write.
    #[arg(long, env = "EXEC_MAX_OUTPUT", default_value = "4G", value_parser = parse_bytes, value_name = "SIZE")]
    exec_max_output: u64,
}

impl ExecArgs {
    /// Whether a program is named.
    pub(crate) fn is_given(&self) -> bool {
        self.exec.as_deref().is_some_and(|it| !it.trim().is_empty())
    }

    /// The program, where one is named; its runs have folders below `temp_dir`.
    ///
    /// # Errors
    /// If it is no command, or the folder cannot be used.
    pub(crate) fn program(&self, temp_dir: &Path) -> anyhow::Result<Option<Program>> {
        let is_set = |it: &&str| !it.trim().is_empty();
        let name = self.exec_name.as_deref().filter(is_set);
        let Some(command) = self.exec.as_deref().filter(is_set) else {
            ensure!(
                name.is_none(),
                "--exec-name: it names the program of --exec, which is missing"
            );
            return Ok(None);
        };
        let folder: PathBuf = temp_dir.join("programs");
        let program = Program::new(command, name, folder, self.exec_max_output);
        let program = program.context("--exec")?;
        program.clear().context("--temp-dir: the folder of programs")?;
        Ok(Some(program))
    }
}

/// Whom the server lets run programs.
#[derive(Debug, Args)]
pub(crate) struct ProgramArgs {
    /// Seconds that a program of your own may take.
    #[arg(long, env = "PROGRAM_TIME_LIMIT", default_value_t = 10_800, value_parser = seconds(), value_name = "SECS")]
    program_time_limit: u64,
    /// Who runs programs of your own: true, agents elsewhere; false, the server's own agent; by
    /// default whoever offers them.
    #[arg(long, env = "USE_LOCAL_INFERENCE", value_parser = parse_choice, default_value = "", hide_default_value = true, value_name = "true|false")]
    use_local_inference: Choice,
    /// Networks from which agents of the older pull API may come without a token, such as
    /// 192.168.1.0/24, separated by commas.
    #[arg(long, env = "LEGACY_AGENTS", value_delimiter = ',', value_parser = parse_network, value_name = "NETWORKS")]
    legacy_agents: Vec<Option<IpNet>>,
    /// Seconds that an agent of the older pull API, which says nothing while it works, may be silent
    /// before its request is handed on.
    #[arg(long, env = "LEGACY_LEASE_SECS", default_value_t = 3_600, value_parser = seconds(), value_name = "SECS")]
    legacy_lease_secs: u64,
}

/// Yes, no, or not said.
#[derive(Debug, Clone, Copy)]
struct Choice(Option<bool>);

impl ProgramArgs {
    /// Puts them into the server's settings.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        settings.program_time_limit = Duration::from_secs(self.program_time_limit);
        settings.use_local_inference = self.use_local_inference.0;
        settings.legacy_agents = self.legacy_agents.iter().copied().flatten().collect();
        settings.legacy_lease = Duration::from_secs(self.legacy_lease_secs);
    }
}

/// A setting that is empty in an environment file is not set.
fn parse_choice(text: &str) -> Result<Choice, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => Ok(Choice(None)),
        "true" | "1" | "yes" => Ok(Choice(Some(true))),
        "false" | "0" | "no" => Ok(Choice(Some(false))),
        _ => Err("expected true or false".to_owned()),
    }
}

/// Reads `192.168.1.0/24` or a single address.
pub(crate) fn parse_network(text: &str) -> Result<Option<IpNet>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let network =
        text.parse().or_else(|_no_network| text.parse::<std::net::IpAddr>().map(IpNet::from));
    network.map(Some).map_err(|_no_address: std::net::AddrParseError| {
        "expected networks such as 192.168.1.0/24 or fd00::/8".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_read() {
        let text = |it: &str| parse_network(it).map(|it| it.map(|it| it.to_string()));
        assert_eq!(text(" 10.1.0.0/16"), Ok(Some("10.1.0.0/16".to_owned())));
        assert_eq!(text("10.1.2.3"), Ok(Some("10.1.2.3/32".to_owned())));
        assert_eq!(text("fd00::/8"), Ok(Some("fd00::/8".to_owned())));
        assert_eq!(text(""), Ok(None));
        for bad in ["10.1.0.0/33", "lab", "10.1"] {
            assert!(parse_network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_choice_that_is_not_made_is_none() {
        let choice = |it: &str| parse_choice(it).map(|it| it.0);
        assert_eq!((choice("TRUE"), choice("false")), (Ok(Some(true)), Ok(Some(false))));
        assert_eq!(choice(""), Ok(None));
        choice("perhaps").unwrap_err();
    }
}
