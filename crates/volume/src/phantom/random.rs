//! Random numbers that are the same on every machine.
//!
//! Only sums, products, quotients and square roots are used in phantoms: those are exact to the
//! last bit everywhere, unlike the sines and logarithms of a system's library.

/// Mixes the bits of a number (the finaliser of `SplitMix64` by Sebastiano Vigna, public domain).
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A value of about the standard normal distribution for a number: the sum of four uniform ones.
pub(super) fn normal(number: u64) -> f32 {
    const MEAN: f32 = 2.0 * 65_535.0;
    const DEVIATION: f32 = 37_837.2;
    let bits = mix(number);
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    (sum as f32 - MEAN) / DEVIATION
}

/// A sine of period 1 made of parabolas, right to a thousandth.
pub(super) fn wave(turns: f64) -> f64 {
    let half_turns = 2.0 * (turns - turns.floor()) - 1.0;
    let coarse = -4.0 * half_turns * (1.0 - half_turns.abs());
    0.225 * (coarse * coarse.abs() - coarse) + coarse
}

/// A sequence of random numbers.
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    /// From 0 up to, but not including, 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.state) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Between two values.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A vector with each entry between −1 and 1.
    pub(super) fn vector(&mut self) -> [f64; 3] {
        [0; 3].map(|_| self.between(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, mix, normal, wave};

    #[test]
    fn the_mixer_gives_the_published_sequence() {
        // The first outputs of SplitMix64 seeded with 1234567.
        let gamma = 0x9e37_79b9_7f4a_7c15_u64;
        let outputs = [0, 1, 2].map(|it| mix(1_234_567_u64.wrapping_add(gamma.wrapping_mul(it))));
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn the_wave_is_nearly_a_sine() {
        for step in -50..50 {
            let turns = f64::from(step) * 0.037;
            let sine = (turns * std::f64::consts::TAU).sin();
            assert!((wave(turns) - sine).abs() < 2e-3, "at {turns}");
        }
    }

    #[test]
    fn normal_values_have_mean_0_and_deviation_1() {
        let n = 100_000;
        let values: Vec<f64> = (0..n).map(|it| f64::from(normal(it))).collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn uniform_values_fill_the_unit_interval() {
        let mut random = Random::new(1);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            let value = random.unit();
            let tenth = (0..10).rev().find(|&it| value >= f64::from(it) / 10.0).unwrap();
            counts[usize::try_from(tenth).unwrap()] += 1;
        }
        assert!(counts.iter().all(|it| (900..1100).contains(it)), "{counts:?}");
    }
}
