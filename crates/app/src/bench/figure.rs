//! A measured figure, its limit and its peer.

use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure {
    /// What was measured.
    pub(super) name: String,
    /// Unit of the values, of the peer's too.
    pub(super) unit: &'static str,
    /// Median; none where the system does not tell.
    pub(super) value: Option<f64>,
    /// What was measured, in the order of the runs.
    pub(super) runs: Vec<f64>,
    /// What is demanded.
    pub(super) limit: Limit,
    /// Whether the limit is kept; none where there is no value or no peer to compare with.
    pub(super) met: Option<bool>,
    /// Who else does the same.
    pub(super) peer: Option<Peer>,
    /// What one must know to read the figure.
    pub(super) note: String,
}

/// What is demanded of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "rule", content = "value", rename_all = "snake_case")]
pub(super) enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// No more than this share of the peer's value.
    OfPeer(f64),
}

/// The same figure of another program.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Peer {
    /// Name and version.
    pub(super) name: String,
    /// Median.
    pub(super) value: f64,
    /// What was measured; empty where it was not.
    pub(super) runs: Vec<f64>,
    /// Whether it was measured in this run, or is quoted.
    pub(super) is_measured: bool,
}

impl Peer {
    /// Measured in this run; none without a run.
    pub(super) fn measured(name: String, runs: Vec<f64>) -> Option<Self> {
        Some(Self { name, value: median(&runs)?, runs, is_measured: true })
    }

    /// A figure that was measured elsewhere.
    pub(super) fn quoted(name: &str, value: f64) -> Self {
        Self { name: name.to_owned(), value, runs: Vec::new(), is_measured: false }
    }
}

impl Figure {
    /// A figure from its runs.
    pub(super) fn new(
        name: impl Into<String>,
        unit: &'static str,
        runs: Vec<f64>,
        limit: Limit,
        peer: Option<Peer>,
    ) -> Self {
        let value = median(&runs);
        let met = value.and_then(|it| limit.is_kept(it, peer.as_ref()));
        Self { name: name.into(), unit, value, runs, limit, met, peer, note: String::new() }
    }

    /// With what one must know to read it.
    pub(super) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl Limit {
    fn is_kept(self, value: f64, peer: Option<&Peer>) -> Option<bool> {
        match self {
            Self::AtMost(most) => Some(value <= most),
            Self::AtLeast(least) => Some(value >= least),
            Self::OfPeer(share) => peer.map(|it| value <= share * it.value),
        }
    }
}

/// The middle value; of an even number the mean of both.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (upper, lower) = (sorted.get(values.len() / 2)?, sorted.get((values.len() - 1) / 2)?);
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_share_of_the_peer_is_undecided_without_a_peer() {
        let peer = Peer::measured("peer".to_owned(), vec![10.0]);
        let figure = |value, limit, peer| Figure::new("it", "s", vec![value], limit, peer).met;
        assert_eq!(figure(5.0, Limit::OfPeer(0.5), peer.clone()), Some(true));
        assert_eq!(figure(5.1, Limit::OfPeer(0.5), peer), Some(false));
        assert_eq!(figure(5.0, Limit::OfPeer(0.5), None), None);
        assert_eq!(figure(5.0, Limit::AtLeast(6.0), None), Some(false));
        assert_eq!(figure(5.0, Limit::AtMost(6.0), None), Some(true));
    }
}
