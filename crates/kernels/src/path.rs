//! Which instructions of the processor the tiles use, on which numbers.

use std::fmt;

/// A way to compute tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Plain Rust.
    Scalar,
    /// AVX2 with fused multiplication and addition.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512 with products of bfloat16 pairs.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

/// All paths, the plainest first.
#[cfg(target_arch = "x86_64")]
const ALL: [Path; 4] = [Path::Scalar, Path::Avx2, Path::Avx512, Path::Avx512Bf16];
#[cfg(not(target_arch = "x86_64"))]
const ALL: [Path; 1] = [Path::Scalar];

impl Path {
    /// Whether this processor has the instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available() && std::arch::is_x86_feature_detected!("avx512f")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => {
                Self::Avx512.is_available() && std::arch::is_x86_feature_detected!("avx512bf16")
            }
        }
    }

    /// The paths that this processor has, the fastest last.
    pub fn available() -> impl Iterator<Item = Self> {
        ALL.into_iter().filter(|it| it.is_available())
    }

    /// The fastest path that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Scalar)
    }

    /// Whether bfloat16 is faster than float32 on this path.
    #[must_use]
    pub fn has_bf16(self) -> bool {
        match self {
            Self::Scalar => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx512 => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => true,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

/// The numbers that weights and activations are multiplied in; sums are float32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// float32.
    #[default]
    F32,
    /// bfloat16: half the bits, eight of them behind the point.
    Bf16,
}
