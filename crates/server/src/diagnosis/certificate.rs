//! The server's certificate: whether it can be used, for how long, and whether it is for the names
//! that people use.

use protocol::sentence::{self, Line};

use super::{
    Subject,
    finding::{Finding, duration},
};
use crate::{
    settings::{PublicUrl, Settings},
    tls::{Facts, Identity},
};

/// Time in which a certificate should be renewed: authorities do so a month before its end.
const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

pub(super) fn certificate(subject: &Subject) -> Finding {
    let settings = &subject.settings;
    let Some(files) = &settings.tls else {
        let found = if settings.is_behind_proxy() {
            sentence::https_of_proxy()
        } else {
            sentence::no_certificate()
        };
        return Finding::skipped(found);
    };
    match files.read() {
        Ok(identity) => judged(&identity, settings, subject.now_ms),
        Err(error) => Finding::error(error.to_string()).remedy(sentence::matching_files()),
    }
}

fn judged(identity: &Identity, settings: &Settings, now_ms: i64) -> Finding {
    let Some(facts) = identity.facts() else {
        return Finding::warning(sentence::certificate_opaque());
    };
    let foreign: Vec<&str> = settings
        .public_urls
        .iter()
        .filter(|it| it.is_https())
        .map(PublicUrl::name)
        .filter(|it| !identity.is_for(it))
        .collect();
    of_time(&facts, now_ms).or_else(|| of_names(&facts, &foreign)).unwrap_or_else(|| {
        let left = duration(facts.not_after_ms - now_ms);
        Finding::ok(sentence::certificate_for(facts.names.join(", "), left))
    })
}

fn of_time(facts: &Facts, now_ms: i64) -> Option<Finding> {
    let renew = sentence::renew_certificate;
    if facts.not_after_ms <= now_ms {
        let ago = duration(now_ms - facts.not_after_ms);
        return Some(Finding::error(sentence::certificate_expired(ago)).remedy(renew()));
    }
    if facts.not_before_ms > now_ms {
        let left = duration(facts.not_before_ms - now_ms);
        return Some(
            Finding::error(sentence::certificate_early(left)).remedy(sentence::look_at_clock()),
        );
    }
    let left_ms = facts.not_after_ms - now_ms;
    (left_ms < SOON_MS)
        .then(|| Finding::warning(sentence::certificate_expires(duration(left_ms))).remedy(renew()))
}

fn of_names(facts: &Facts, foreign: &[&str]) -> Option<Finding> {
    if facts.is_authority {
        return Some(
            Finding::warning(sentence::is_authority())
                .remedy(sentence::make_other())
                .command("openssl req -x509 … -addext basicConstraints=critical,CA:FALSE"),
        );
    }
    let names: Line = match facts.names.as_slice() {
        [] => sentence::no_name(),
        some => some.join(", ").into(),
    };
    (!foreign.is_empty()).then(|| {
        Finding::error(sentence::not_for_names(names, foreign.join(", ")))
            .remedy(sentence::make_for_names())
    })
}

#[cfg(test)]
mod tests {
    use protocol::diagnosis::{CheckName, CheckState};
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;
    use crate::tls::TlsFiles;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    /// 2030-06-15.
    const NOW_MS: i64 = 1_907_712_000_000;

    /// The state of the check for a certificate of so many days from now on, and its words.
    fn found(days: [i64; 2], is_authority: bool, url: &str) -> (CheckState, String) {
        let folder = tempfile::tempdir().unwrap();
        let names = vec!["seg.lab.example".to_owned(), "*.wards.example".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        let today = date_time_ymd(2030, 6, 15);
        let [first, last] =
            days.map(|it| std::time::Duration::from_secs(it.unsigned_abs() * 86_400));
        params.not_before = if days[0] < 0 { today - first } else { today + first };
        params.not_after = if days[1] < 0 { today - last } else { today + last };
        if is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        let files =
            TlsFiles { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        std::fs::write(&files.cert, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let settings = Settings {
            public_urls: vec![PublicUrl::new(url).unwrap()],
            tls: Some(files.clone()),
            ..Settings::default()
        };
        let check = judged(&files.read().unwrap(), &settings, NOW_MS).named(CheckName::Certificate);
        (check.state, check.found)
    }

    #[test]
    fn a_certificate_is_looked_at_for_its_time_and_its_names() {
        assert_eq!(NOW_MS % DAY_MS, 0);
        let own = "https://seg.lab.example:8443";
        let (state, words) = found([-10, 90], false, own);
        assert_eq!(state, CheckState::Ok, "{words}");
        assert_eq!(words, "for seg.lab.example, *.wards.example; valid for another 90 d");
        assert_eq!(found([-10, 90], false, "https://a.wards.example").0, CheckState::Ok);
        for (days, is_authority, url, state, part) in [
            ([-10, 5], false, own, CheckState::Warning, "expires in 5 d"),
            ([-10, -3], false, own, CheckState::Error, "expired 3 d ago"),
            ([3, 90], false, own, CheckState::Error, "valid only in 3 d"),
            ([-10, 90], true, own, CheckState::Warning, "marked as an authority's"),
            ([-10, 90], false, "https://other.example", CheckState::Error, "not for other.example"),
        ] {
            let (found, words) = found(days, is_authority, url);
            assert_eq!(found, state, "{words}");
            assert!(words.contains(part), "{words}");
        }
    }
}
