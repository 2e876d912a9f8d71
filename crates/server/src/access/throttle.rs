//! Sign-ins that fail are answered later and later, by address; kept in memory. A name that is tried from
//! many addresses waits everywhere: one address alone cannot keep its owner out.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Failures in a row that everybody is allowed: people mistype. Behind one address sit many.
const FREE_BY_NAME: u32 = 5;
const FREE_BY_ADDRESS: u32 = 25;

/// Failures of one name from all addresses together, of which each counts [`FREE_BY_NAME`] at most:
/// twenty addresses that try one name at once are an attack.
const FREE_EVERYWHERE: u32 = 100;

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
    failures: Mutex<BTreeMap<Key, Failures>>,
}

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A name, tried from an address.
    Name(String, String),
    /// An address, whatever is tried.
    Address(String),
}

impl Throttle {
    fn failures(&self) -> MutexGuard<'_, BTreeMap<Key, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds to wait before this name may be tried again from this address; 0 for now.
    pub(crate) fn wait_ms(&self, name: &str, address: &str, now_ms: i64) -> i64 {
        let failures = self.failures();
        let wait = |key: &Key, free| failures.get(key).map_or(0, |it| it.wait_ms(free, now_ms));
        let [by_name, by_address] = keys(name, address);
        let here = wait(&by_name, FREE_BY_NAME).max(wait(&by_address, FREE_BY_ADDRESS));
        here.max(everywhere(&failures, name, now_ms).wait_ms(FREE_EVERYWHERE, now_ms))
    }

    /// Counts a try as failed, before it is known whether it does: tries at the same moment count.
    pub(crate) fn tries(&self, name: &str, address: &str, now_ms: i64) {
        let mut failures = self.failures();
        failures.retain(|_, it| it.is_remembered(now_ms));
        for key in keys(name, address) {
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
        let mut failures = self.failures();
        for key in keys(name, address) {
            failures.remove(&key);
        }
    }
}

impl Failures {
    fn is_remembered(&self, now_ms: i64) -> bool {
        now_ms - self.last_ms < FORGET_MS
    }

    /// What is left of the pause after these failures, of which `free` cost nothing.
    fn wait_ms(&self, free: u32, now_ms: i64) -> i64 {
        (self.last_ms + pause_ms(self.n, free) - now_ms).max(0)
    }
}

/// How often a name was tried from all addresses.
fn everywhere(failures: &BTreeMap<Key, Failures>, name: &str, now_ms: i64) -> Failures {
    let first = Key::Name(name.to_owned(), String::new());
    let of_name = failures.range(first..).take_while(|(key, _)| match key {
        Key::Name(it, _) => it == name,
        Key::Address(_) => false,
    });
    let remembered = of_name.map(|(_, it)| it).filter(|it| it.is_remembered(now_ms));
    remembered.fold(Failures::default(), |sum, it| Failures {
        n: sum.n.saturating_add(it.n.min(FREE_BY_NAME)),
        last_ms: sum.last_ms.max(it.last_ms),
    })
}

fn keys(name: &str, address: &str) -> [Key; 2] {
    let place = place(address);
    [Key::Name(name.to_owned(), place.clone()), Key::Address(place)]
}

/// Whoever has one address of IPv6 has the other 2⁶⁴ of its network.
fn place(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(it)) => Ipv6Addr::from_bits(it.to_bits() >> 64 << 64).to_string(),
        Ok(IpAddr::V4(_)) | Err(_) => address.to_owned(),
    }
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
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_wait_grows_with_failures_and_ends_with_success() {
        let throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..14 {
            throttle.tries("kim", "10.0.0.7", 0);
            waits.push(throttle.wait_ms("kim", "10.0.0.7", 0));
        }
        let expected = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map(|it| it * 1_000);
        assert_eq!(waits, expected);
        assert_eq!(throttle.wait_ms("kim", "10.0.0.7", 59_000), 1_000);
        assert_eq!(throttle.wait_ms("kim", "10.0.0.8", 0), 0, "she herself is elsewhere");
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
    fn one_address_cannot_keep_a_name_out_whatever_its_patience() {
        let throttle = Throttle::default();
        for minute in 0..1_000 {
            throttle.tries("admin", "203.0.113.9", minute * LONGEST_WAIT_MS);
        }
        let now_ms = 999 * LONGEST_WAIT_MS;
        assert_eq!(throttle.wait_ms("admin", "203.0.113.9", now_ms), LONGEST_WAIT_MS);
        assert_eq!(throttle.wait_ms("admin", "10.0.0.7", now_ms), 0);
    }

    #[test]
    fn many_addresses_that_try_one_name_wait_together() {
        let throttle = Throttle::default();
        let try_from = |n: u32| {
            for _ in 0..9 {
                throttle.tries("admin", &Ipv4Addr::from_bits(n).to_string(), 0);
            }
        };
        (0..19).for_each(try_from);
        let wait = |address: &str, now_ms: i64| throttle.wait_ms("admin", address, now_ms);
        assert_eq!(wait("10.0.0.7", 0), 0);
        (19..22).for_each(try_from);
        assert_eq!(wait("10.0.0.7", 0), LONGEST_WAIT_MS);
        assert_eq!(wait("10.0.0.7", LONGEST_WAIT_MS), 0);
        assert_eq!(throttle.wait_ms("admin2", "10.0.0.7", 0), 0);
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let throttle = Throttle::default();
        for n in 0..9 {
            throttle.tries("kim", &format!("2001:db8::{n}"), 0);
        }
        assert_eq!(throttle.wait_ms("kim", "2001:db8::ffff", 0), 16_000);
        assert_eq!(throttle.wait_ms("kim", "2001:db8:0:1::1", 0), 0);
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
