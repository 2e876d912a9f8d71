//! Sign-ins that fail are answered later and later, by name and by address; kept in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Failures in a row that everybody is allowed: people mistype. Behind one address sit many.
const FREE_BY_NAME: u32 = 5;
const FREE_BY_ADDRESS: u32 = 25;

/// The first wait; doubles with each failure.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest: whoever knows the password still gets in.
const LONGEST_WAIT_MS: i64 = 60_000;

/// A failure is forgotten after this long.
const FORGET_MS: i64 = 60 * 60 * 1_000;

/// More names or addresses than this are an attack: the oldest are forgotten.
const MOST: usize = 10_000;

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    n: u32,
    last_ms: i64,
}

/// Who failed to sign in lately.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    failures: Mutex<BTreeMap<String, Failures>>,
}

impl Throttle {
    fn failures(&self) -> MutexGuard<'_, BTreeMap<String, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds to wait before this name may be tried again from this address; 0 for now.
    pub(crate) fn wait_ms(&self, name: &str, address: &str, now_ms: i64) -> i64 {
        let failures = self.failures();
        let wait = |key: String, free| {
            failures.get(&key).map_or(0, |it| (it.last_ms + pause_ms(it.n, free) - now_ms).max(0))
        };
        let (by_name, by_address) = keys(name, address);
        wait(by_name, FREE_BY_NAME).max(wait(by_address, FREE_BY_ADDRESS))
    }

    /// Counts a try as failed, before it is known whether it does: tries at the same moment count.
    pub(crate) fn tries(&self, name: &str, address: &str, now_ms: i64) {
        let mut failures = self.failures();
        failures.retain(|_, it| now_ms - it.last_ms < FORGET_MS);
        let (by_name, by_address) = keys(name, address);
        for key in [by_name, by_address] {
            let it = failures.entry(key).or_default();
            *it = Failures { n: it.n.saturating_add(1), last_ms: now_ms };
        }
        while failures.len() > MOST {
            let oldest =
                failures.iter().min_by_key(|(_, it)| it.last_ms).map(|(key, _)| key.clone());
            oldest.and_then(|it| failures.remove(&it));
        }
    }

    /// Somebody got in.
    pub(crate) fn succeeded(&self, name: &str, address: &str) {
        let (by_name, by_address) = keys(name, address);
        let mut failures = self.failures();
        failures.remove(&by_name);
        failures.remove(&by_address);
    }
}

fn keys(name: &str, address: &str) -> (String, String) {
    (format!("name {name}"), format!("address {address}"))
}

/// The pause after `n` failures of which `free` cost nothing.
fn pause_ms(n: u32, free: u32) -> i64 {
    match n.checked_sub(free) {
        None => 0,
        Some(beyond) => FIRST_WAIT_MS.saturating_mul(1 << beyond.min(20)).min(LONGEST_WAIT_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_failures_and_ends_with_success() {
        let throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..14 {
            throttle.tries("kim", "10.0.0.7", 0);
            waits.push(throttle.wait_ms("kim", "10.0.0.8", 0));
        }
        let expected = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map(|it| it * 1_000);
        assert_eq!(waits, expected);
        assert_eq!(throttle.wait_ms("kim", "10.0.0.8", 59_000), 1_000);
        assert_eq!(throttle.wait_ms("lee", "10.0.0.7", 0), 0, "others there are not held up yet");
        throttle.succeeded("kim", "10.0.0.7");
        assert_eq!(throttle.wait_ms("kim", "10.0.0.7", 0), 0);
    }

    #[test]
    fn one_address_cannot_try_many_names() {
        let throttle = Throttle::default();
        for n in 0..30 {
            throttle.tries(&format!("name{n}"), "10.0.0.7", 0);
        }
        assert_eq!(throttle.wait_ms("another", "10.0.0.7", 0), 32_000);
        assert_eq!(throttle.wait_ms("another", "10.0.0.8", 0), 0);
        assert_eq!(throttle.wait_ms("another", "10.0.0.7", FORGET_MS), 0);
    }

    #[test]
    fn an_attack_does_not_fill_the_memory() {
        let throttle = Throttle::default();
        for n in 0..MOST + 10 {
            throttle.tries(&n.to_string(), "10.0.0.7", i64::try_from(n).unwrap());
        }
        assert_eq!(throttle.failures().len(), MOST);
    }
}
