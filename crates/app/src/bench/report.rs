//! The figures as a table for people and as JSON for programs.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::{BenchArgs, figure::Figure, figure::Limit, machine::Machine};
use crate::whole_file;

/// Prints the table, and writes the JSON where it is asked for.
///
/// # Errors
/// If the file cannot be written.
#[expect(clippy::print_stdout, reason = "the outermost layer prints what was measured")]
pub(super) fn report(
    machine: &Machine,
    figures: &[Figure],
    args: &BenchArgs,
) -> anyhow::Result<()> {
    let document = document(machine, figures, args.quick);
    match args.json.as_deref() {
        Some(path) if path == Path::new("-") => {
            println!("{document:#}");
            return Ok(());
        }
        Some(path) => {
            whole_file::write(path, |out| writeln!(out, "{document:#}")).context("--json")?;
        }
        None => {}
    }
    print!("{}", table(machine, figures));
    Ok(())
}

fn document(machine: &Machine, figures: &[Figure], quick: bool) -> Value {
    json!({
        "machine": machine,
        "warnings": machine.warnings(),
        "quick": quick,
        "figures": figures,
    })
}

fn table(machine: &Machine, figures: &[Figure]) -> String {
    let mut lines = vec![format!(
        "{} × {}, {} GiB, {}, load {:.2} before, {} build",
        machine.n_cpus,
        machine.cpu,
        machine.memory_bytes >> 30,
        machine.os,
        machine.load_average,
        machine.build,
    )];
    lines.push(row("figure", ["value", "limit", "met"], "peer"));
    for it in figures {
        let value = it.value.map_or("–".to_owned(), |value| with_unit(value, it.unit));
        let met = match it.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        };
        lines.push(row(&it.name, [&value, &limit(it), met], &peer(it)));
        if !it.note.is_empty() {
            lines.push(format!("    {}", it.note));
        }
    }
    lines.join("\n") + "\n"
}

fn row(name: &str, [value, limit, met]: [&str; 3], peer: &str) -> String {
    let line = format!("{name:48} {value:>12}  {limit:14} {met:4} {peer}");
    line.trim_end().to_owned()
}

fn limit(figure: &Figure) -> String {
    match figure.limit {
        Limit::AtMost(most) => format!("≤ {}", with_unit(most, figure.unit)),
        Limit::AtLeast(least) => format!("≥ {}", with_unit(least, figure.unit)),
        Limit::OfPeer(share) => format!("≤ {share} of peer"),
    }
}

fn peer(figure: &Figure) -> String {
    let Some(peer) = &figure.peer else {
        return match figure.limit {
            Limit::OfPeer(_) => "not on this machine: see --python".to_owned(),
            Limit::AtMost(_) | Limit::AtLeast(_) => String::new(),
        };
    };
    let value = with_unit(peer.value, figure.unit);
    let ratio = figure.value.map_or(String::new(), |it| format!(" (ratio {:.2})", it / peer.value));
    let source = if peer.is_measured { "" } else { ", quoted, not run" };
    format!("{}: {value}{ratio}{source}", peer.name)
}

fn with_unit(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        it if it >= 100.0 => 0,
        it if it >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figure::Peer;

    #[test]
    fn a_row_tells_value_limit_and_peer() {
        let quoted = Some(Peer::quoted("another", 3_450.0));
        let figure = Figure::new("requests", "1/s", vec![12_345.0], Limit::AtLeast(1e4), quoted);
        let text = table(&Machine::look(), &[figure.noting("with care")]);
        for part in ["12345 1/s", "≥ 10000 1/s", "yes", "another", "quoted, not run", "with care"]
        {
            assert!(text.contains(part), "`{part}` is missing in:\n{text}");
        }
    }
}
