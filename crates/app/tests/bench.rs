//! `voxloop bench --quick` measures every figure and says so in JSON; the figures themselves are
//! for an idle machine.

use std::process::Command;

use serde_json::Value;

#[test]
fn every_figure_has_a_value_a_unit_and_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    let output = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["bench", "all", "--quick", "--json"])
        .arg(&json)
        .arg("--temp-dir")
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    let document: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert!(document["machine"]["n_cpus"].as_u64().unwrap() > 0);
    assert!(document["machine"]["load_average"].is_f64());
    let figures = document["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 11, "{document:#}");
    for figure in figures {
        let name = figure["name"].as_str().unwrap();
        assert!(table.contains(name), "{name} is missing in:\n{table}");
        assert!(!figure["unit"].as_str().unwrap().is_empty(), "{figure}");
        assert!(figure["limit"]["value"].as_f64().unwrap() > 0.0, "{figure}");
        // Memory is told by Linux alone.
        if cfg!(target_os = "linux") || !name.contains("memory") {
            assert!(figure["value"].as_f64().unwrap() >= 0.0, "{figure}");
            assert_eq!(figure["runs"].as_array().unwrap().len(), 1, "{figure}");
        }
    }
}

#[test]
fn the_network_is_measured_part_by_part_in_both_precisions() {
    let folder = tempfile::tempdir().unwrap();
    let fixture =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro");
    let output = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["bench", "sam2", "--quick", "--json", "--temp-dir"])
        .arg(folder.path())
        .arg("--model")
        .arg(fixture.join("checkpoint.pt"))
        .arg("--config")
        .arg(fixture.join("config.yaml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figures = document["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 11, "{document:#}");
    for precision in ["f32", "bf16"] {
        for part in ["13 slices", "encoder", "memory attention", "mask decoder", "memory encoder"] {
            let name = format!("sam2 {precision}, {part}");
            let is_it = |it: &&Value| it["name"].as_str().unwrap().starts_with(&name);
            assert_eq!(figures.iter().filter(is_it).count(), 1, "{name}");
        }
    }
    let nothing = Command::new(env!("CARGO_BIN_EXE_voxloop"))
        .args(["bench", "sam2", "--quick"])
        .output()
        .unwrap();
    assert!(!nothing.status.success());
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("--source or --model"));
}
