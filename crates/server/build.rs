//! Builds anew when the page or the migrations change: both are compiled into the binary.

fn main() {
    for path in ["../../web/dist", "migrations"] {
        println!("cargo::rerun-if-changed={path}");
    }
}
