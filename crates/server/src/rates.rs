//! How many tasks end per bucket of time, and how long they waited and ran.

use protocol::{
    task::TaskState,
    task_log::{RateBucket, TaskRates},
};

/// A task that ended; times in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) state: TaskState,
    pub(crate) created_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) finished_ms: i64,
}

/// Which buckets to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ms: i64,
    pub(crate) bucket_ms: i64,
    pub(crate) n_buckets: u32,
}

impl Span {
    /// The last `length_ms` before `now_ms` in `n_buckets`. Buckets begin at multiples of their
    /// length, so that a task stays in its bucket as time goes on; the present one is the last.
    pub(crate) fn until(now_ms: i64, length_ms: i64, n_buckets: u32) -> Self {
        let bucket_ms = (length_ms / i64::from(n_buckets.max(1))).max(1);
        let last_ms = now_ms.div_euclid(bucket_ms) * bucket_ms;
        let from_ms = last_ms - bucket_ms * (i64::from(n_buckets) - 1);
        Self { from_ms, bucket_ms, n_buckets }
    }
}

/// Sorts tasks into buckets. What ended outside the span is left out.
pub(crate) fn rates(ended: &[Ended], span: Span) -> TaskRates {
    let mut of_bucket = vec![Vec::new(); span.n_buckets as usize];
    for it in ended {
        let index = (it.finished_ms - span.from_ms).div_euclid(span.bucket_ms);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(bucket) = of_bucket.get_mut(index) {
            bucket.push(*it);
        }
    }
    let starts = (0..).map(|it: i64| span.from_ms + it * span.bucket_ms);
    let buckets = starts.zip(&of_bucket).map(|(at_ms, it)| bucket(at_ms, it)).collect();
    TaskRates { from_ms: span.from_ms, bucket_ms: span.bucket_ms, buckets }
}

fn bucket(at_ms: i64, ended: &[Ended]) -> RateBucket {
    let count = |state: TaskState| {
        u32::try_from(ended.iter().filter(|it| it.state == state).count()).unwrap_or(u32::MAX)
    };
    let waited = sorted(ended.iter().filter_map(|it| Some(it.started_ms? - it.created_ms)));
    let done = ended.iter().filter(|it| it.state == TaskState::Succeeded);
    let ran = sorted(done.filter_map(|it| Some(it.finished_ms - it.started_ms?)));
    RateBucket {
        at_ms,
        succeeded: count(TaskState::Succeeded),
        failed: count(TaskState::Failed),
        cancelled: count(TaskState::Cancelled),
        waited_ms_median: median(&waited),
        ran_ms_median: median(&ran),
        ran_ms_p95: percentile(&ran, 95),
    }
}

fn sorted(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut values: Vec<_> = values.map(|it| it.max(0)).collect();
    values.sort_unstable();
    values
}

/// The middle of ascending values, or the mean of the two in the middle.
fn median(values: &[i64]) -> Option<i64> {
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(lower.midpoint(upper))
}

/// The smallest of ascending values that `percent` of 100 do not exceed.
fn percentile(values: &[i64], percent: usize) -> Option<i64> {
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_at_multiples_of_their_length_and_end_with_now() {
        let span = Span::until(10_050, 4_000, 4);
        assert_eq!(span, Span { from_ms: 7_000, bucket_ms: 1_000, n_buckets: 4 });
        let later = Span::until(10_999, 4_000, 4);
        assert_eq!(later, span, "nothing moves within a bucket");
    }

    #[test]
    fn tasks_are_counted_where_they_ended() {
        let ended = |state, started_ms, finished_ms| Ended {
            state,
            created_ms: 900,
            started_ms,
            finished_ms,
        };
        let tasks = [
            ended(TaskState::Succeeded, Some(1_000), 1_100),
            ended(TaskState::Succeeded, Some(1_010), 1_990),
            ended(TaskState::Failed, Some(1_500), 1_600),
            ended(TaskState::Cancelled, None, 2_000),
            ended(TaskState::Succeeded, Some(950), 999),
            ended(TaskState::Succeeded, Some(950), 4_000),
        ];
        let rates = rates(&tasks, Span { from_ms: 1_000, bucket_ms: 1_000, n_buckets: 3 });
        let expected = [
            RateBucket {
                at_ms: 1_000,
                succeeded: 2,
                failed: 1,
                cancelled: 0,
                waited_ms_median: Some(110),
                ran_ms_median: Some(540),
                ran_ms_p95: Some(980),
            },
            RateBucket { at_ms: 2_000, cancelled: 1, ..RateBucket::default() },
            RateBucket { at_ms: 3_000, ..RateBucket::default() },
        ];
        assert_eq!(rates.buckets, expected);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=100).collect();
        assert_eq!((median(&values), percentile(&values, 95)), (Some(50), Some(95)));
        assert_eq!((median(&[7]), percentile(&[7], 95)), (Some(7), Some(7)));
        assert_eq!((median(&[]), percentile(&[], 95)), (None, None));
        assert_eq!(percentile(&[1, 2, 3], 95), Some(3));
    }
}
