//! What a machine's silence means. Nothing here knows the time: it is told how long the silence is.

use protocol::device::DeviceStatus;

/// Silent for more than this, it is suspect: one heartbeat of 3 s was lost, and the next.
const SUSPECT_MS: i64 = 6_000;

/// Silent for more than this, it is taken to be gone.
const OFFLINE_MS: i64 = 15_000;

/// Silent for more than this, it may be removed.
pub(crate) const REMOVABLE_MS: i64 = 60_000;

/// A GPU that is busy for a larger share of the time than this is not free, whoever uses it.
const BUSY_PERCENT: f64 = 10.0;

/// What a machine does that was last heard `silent_ms` ago.
pub(crate) fn status(silent_ms: i64, is_working: bool) -> DeviceStatus {
    if silent_ms > OFFLINE_MS {
        DeviceStatus::Offline
    } else if silent_ms > SUSPECT_MS {
        DeviceStatus::Suspect
    } else if is_working {
        DeviceStatus::Busy
    } else {
        DeviceStatus::Idle
    }
}

/// Whether a machine that was last heard `silent_ms` ago may be removed.
pub(crate) fn is_removable(silent_ms: i64) -> bool {
    silent_ms > REMOVABLE_MS
}

/// Whether a GPU that is used for so many percent of the time is busy.
pub(crate) fn is_in_use(percent: f64) -> bool {
    percent > BUSY_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeviceStatus::{Busy, Idle, Offline, Suspect};

    #[test]
    fn silence_makes_a_device_suspect_then_offline_then_removable() {
        for (silent_ms, idle, busy, removable) in [
            (0, Idle, Busy, false),
            (3_000, Idle, Busy, false),
            (6_000, Idle, Busy, false),
            (6_001, Suspect, Suspect, false),
            (15_000, Suspect, Suspect, false),
            (15_001, Offline, Offline, false),
            (60_000, Offline, Offline, false),
            (60_001, Offline, Offline, true),
            (i64::MAX, Offline, Offline, true),
        ] {
            assert_eq!(status(silent_ms, false), idle, "{silent_ms} ms");
            assert_eq!(status(silent_ms, true), busy, "{silent_ms} ms");
            assert_eq!(is_removable(silent_ms), removable, "{silent_ms} ms");
        }
    }

    #[test]
    fn a_gpu_that_somebody_uses_is_busy() {
        assert!(!is_in_use(0.0) && !is_in_use(10.0) && is_in_use(10.5) && is_in_use(100.0));
    }
}
