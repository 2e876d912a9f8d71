//! Seeded chance, and how often it is tempted.

/// The same numbers for the same seed, on every machine (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    /// Bytes that nothing compresses.
    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

/// At how many moments something is killed.
pub(crate) fn n_points() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tells the test how long to go on")]
    let wish = std::env::var("VOXLOOP_FAULT_POINTS");
    wish.ok().and_then(|it| it.parse().ok()).unwrap_or(20)
}
