//! A diagnosis on the terminal: a table in colour, or JSON.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use protocol::diagnosis::{Check, CheckName, CheckState, Diagnosis, Examiner};

/// Columns of the state and of the name.
const STATE_WIDTH: usize = 9;
const NAME_WIDTH: usize = 14;

/// Prints the diagnosis as one JSON document.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn json(diagnosis: &Diagnosis) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(diagnosis).context("writing the diagnosis")?;
    writeln!(std::io::stdout(), "{text}").context("writing to stdout")
}

/// Prints the diagnosis as a table; in colour on a terminal.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn table(diagnosis: &Diagnosis) -> anyhow::Result<()> {
    // Colour goes where it is understood: not into files, not where NO_COLOR forbids it.
    write_table(&mut anstream::stdout(), diagnosis).context("writing to stdout")
}

fn write_table(out: &mut impl Write, diagnosis: &Diagnosis) -> std::io::Result<()> {
    let who = match diagnosis.examiner {
        Examiner::Server => "the running server, from inside",
        Examiner::Files => "folders and database, from outside",
        Examiner::Agent => "this machine as an agent's",
    };
    writeln!(out, "voxloop {} on {}: {who}\n", diagnosis.version, diagnosis.system)?;
    for check in &diagnosis.checks {
        write_check(out, check)?;
    }
    writeln!(out, "\n{}", summary(diagnosis))
}

fn write_check(out: &mut impl Write, check: &Check) -> std::io::Result<()> {
    let style = style(check.state);
    let state = format!("{:STATE_WIDTH$}", word(check.state));
    let name = format!("{:NAME_WIDTH$}", name(check.name));
    writeln!(out, "{style}{state}{style:#}{name}{}", check.found)?;
    let indent = " ".repeat(STATE_WIDTH + NAME_WIDTH);
    for line in &check.details {
        writeln!(out, "{indent}  {line}")?;
    }
    if let Some(remedy) = &check.remedy {
        writeln!(out, "{indent}→ {remedy}")?;
    }
    if let Some(command) = &check.command {
        let bold = Style::new().bold();
        writeln!(out, "{indent}  {bold}{command}{bold:#}")?;
    }
    Ok(())
}

fn summary(diagnosis: &Diagnosis) -> String {
    let n = |state: CheckState| diagnosis.checks.iter().filter(|it| it.state == state).count();
    let counts = [
        (n(CheckState::Error), "errors"),
        (n(CheckState::Warning), "warnings"),
        (n(CheckState::Note), "notes"),
        (n(CheckState::Ok), "fine"),
        (n(CheckState::Skipped), "skipped"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(n_checks, _)| *n_checks > 0)
        .map(|(n_checks, word)| match (n_checks, word.strip_suffix('s')) {
            (1, Some(one)) => format!("1 {one}"),
            _ => format!("{n_checks} {word}"),
        })
        .collect();
    let verdict = match diagnosis.worst {
        CheckState::Error => "Something does not work",
        CheckState::Warning => "Works, but something should be done",
        CheckState::Note | CheckState::Ok | CheckState::Skipped => "All is well",
    };
    format!("{verdict}: {}.", counts.join(", "))
}

fn style(state: CheckState) -> Style {
    let colour = match state {
        CheckState::Ok => AnsiColor::Green,
        CheckState::Note => AnsiColor::Blue,
        CheckState::Warning => AnsiColor::Yellow,
        CheckState::Error => AnsiColor::Red,
        CheckState::Skipped => AnsiColor::BrightBlack,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "ok",
        CheckState::Note => "note",
        CheckState::Warning => "warning",
        CheckState::Error => "ERROR",
        CheckState::Skipped => "skipped",
    }
}

fn name(name: CheckName) -> &'static str {
    match name {
        CheckName::Server => "server",
        CheckName::Port => "port",
        CheckName::Certificate => "certificate",
        CheckName::Settings => "settings",
        CheckName::Page => "page",
        CheckName::DataFolder => "data folder",
        CheckName::TempFolder => "temp folder",
        CheckName::LogFolder => "log files",
        CheckName::ModelFolder => "models",
        CheckName::FreeSpace => "free space",
        CheckName::Database => "database",
        CheckName::Schema => "schema",
        CheckName::Integrity => "integrity",
        CheckName::Storage => "storage",
        CheckName::Blobs => "stored files",
        CheckName::Orphans => "orphans",
        CheckName::Agents => "agents",
        CheckName::Queue => "queue",
        CheckName::Engines => "engines",
        CheckName::Gpu => "GPU",
        CheckName::Memory => "memory",
        CheckName::Clock => "clock",
    }
}

#[cfg(test)]
mod tests {
    use server::diagnosis::{Finding, report};

    use super::*;

    #[test]
    fn a_table_names_state_finding_remedy_and_command() {
        let checks = vec![
            Finding::ok("fine").named(CheckName::Page),
            Finding::error("broken")
                .details(vec!["this one".into()])
                .remedy("mend it")
                .command("mend --now")
                .named(CheckName::Blobs),
        ];
        let mut out = anstream::StripStream::new(Vec::new());
        write_table(&mut out, &report(Examiner::Files, checks, 0)).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert!(text.contains("ok       page          fine\n"), "{text}");
        assert!(text.contains("ERROR    stored files  broken\n"), "{text}");
        for line in ["  this one\n", "→ mend it\n", "  mend --now\n"] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert!(text.ends_with("Something does not work: 1 error, 1 fine.\n"), "{text}");
    }
}
