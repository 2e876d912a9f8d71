//! Keeps the crates in their layers: who may depend on whom, as ARCHITECTURE.md says.

use std::process::Command;

/// A crate, and what must never appear below it in the dependency tree.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "protocol",
        &["volume", "graphcut", "sam2", "engine", "server", "agent", "sqlx", "axum", "tokio"],
    ),
    (
        "volume",
        &["protocol", "graphcut", "sam2", "engine", "server", "agent", "candle-core", "tokio"],
    ),
    ("graphcut", &["protocol", "volume", "engine", "server", "agent", "candle-core", "tokio"]),
    ("sam2", &["protocol", "volume", "graphcut", "engine", "server", "agent", "tokio"]),
    ("engine", &["server", "agent", "sqlx", "axum", "tokio"]),
    ("server", &["candle-core", "sam2", "engine", "graphcut", "agent"]),
    ("agent", &["candle-core", "sam2", "engine", "graphcut", "volume", "server", "sqlx", "axum"]),
];

#[test]
fn no_crate_reaches_into_a_forbidden_layer() {
    for (package, forbidden) in FORBIDDEN {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--package", package])
            .args(["--edges", "normal", "--prefix", "none"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.starts_with(package), "unexpected output of cargo tree: {tree}");
        let found: Vec<_> = tree
            .lines()
            .filter(|line| forbidden.iter().any(|it| line.split(' ').next() == Some(it)))
            .collect();
        assert!(found.is_empty(), "{package} must not depend on {found:?}");
    }
}
