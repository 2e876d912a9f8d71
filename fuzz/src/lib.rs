//! The checks that are fuzzed, and what a target needs around them.

pub mod checks;

/// Memory that a target may take, its own corpus included: sizes that a file only declares must
/// never be allocated.
pub const MEMORY_BYTES: usize = 384 << 20;

/// Defines the allocator and the entry point of a target, whose seeds go to `corpus/TARGET/` first.
#[macro_export]
macro_rules! target {
    ($target:ident) => {
        #[global_allocator]
        static MEMORY: cap::Cap<std::alloc::System> =
            cap::Cap::new(std::alloc::System, $crate::MEMORY_BYTES);

        libfuzzer_sys::fuzz_target!(
            init: $crate::write_seeds(
                stringify!($target),
                &$crate::checks::seeds::$target(),
            ),
            |input: &[u8]| $crate::checks::$target::check(input)
        );
    };
}

/// Writes the seeds of a target where libFuzzer looks for them.
pub fn write_seeds(target: &str, seeds: &[checks::seeds::Seed]) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in seeds {
        std::fs::write(folder.join(format!("seed-{name}")), bytes).unwrap();
    }
}
