//! The same numbers for the same seed, on every machine.

/// `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>, in the public domain.
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // Its known answer for the seed 0.
        let mut random = SplitMix64(0);
        assert_eq!(random.bits(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.bits(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn shares_are_from_0_up_to_1() {
        let mut random = SplitMix64(1);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random.share())));
    }
}
