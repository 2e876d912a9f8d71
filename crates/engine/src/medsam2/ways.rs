//! Which way passes go, and which slices they speak for.

use std::{collections::BTreeSet, ops::RangeInclusive};

use protocol::{prompt::Direction, task::MaskExtent};

use super::places::count;
use crate::{EngineError, PropagationRequest};

/// Slices in the order of a pass.
pub(super) struct Way {
    pub(super) direction: sam2::Direction,
    pub(super) slices: Vec<usize>,
}

/// The passes: upwards from the lowest slice to start from, downwards from the highest.
pub(super) fn ways(
    direction: Direction,
    anchors: &BTreeSet<usize>,
    range: &RangeInclusive<usize>,
) -> Result<Vec<Way>, EngineError> {
    let (Some(&low), Some(&high)) = (anchors.first(), anchors.last()) else {
        return Err(EngineError::NoMask { field: "prompts".to_owned() });
    };
    let up = Way {
        direction: sam2::Direction::Forward,
        slices: (low.max(*range.start())..=*range.end()).collect(),
    };
    let down = Way {
        direction: sam2::Direction::Reverse,
        slices: (*range.start()..=high.min(*range.end())).rev().collect(),
    };
    Ok(match direction {
        Direction::Both => vec![up, down],
        Direction::Forward => vec![up],
        Direction::Backward => vec![down],
    })
}

/// The slices that the mask speaks for, whether the object reaches them or not.
pub(super) fn extent(
    request: &PropagationRequest,
    anchors: &BTreeSet<usize>,
    range: &RangeInclusive<usize>,
) -> MaskExtent {
    let (mut first, mut last) = (*range.start(), *range.end());
    match request.direction {
        Direction::Both => {}
        Direction::Forward => first = anchors.first().map_or(first, |it| first.max(*it)),
        Direction::Backward => last = anchors.last().map_or(last, |it| last.min(*it)),
    }
    MaskExtent { axis: request.axis, first: count(first), last: count(last.max(first)) }
}
