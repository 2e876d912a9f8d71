//! Two people mark the same object on the same slice: what each of them changed is kept.

use protocol::prompt::SlicePrompt;

/// What stands once one person changed `before` to `mine` while others made `theirs` of it. Points
/// and strokes are added and taken away one by one; a box or a tick is the last one's who changed it.
/// All three are of one object on one slice.
pub(crate) fn merged(
    before: &SlicePrompt,
    mine: &SlicePrompt,
    theirs: &SlicePrompt,
) -> SlicePrompt {
    if mine.absent {
        return mine.clone();
    }
    let points = merged_list(&before.points, &mine.points, &theirs.points);
    let scribbles = merged_list(&before.scribbles, &mine.scribbles, &theirs.scribbles);
    let merged = SlicePrompt {
        slice: mine.slice,
        label: mine.label,
        bounds: if mine.bounds == before.bounds { theirs.bounds } else { mine.bounds },
        points,
        scribbles,
        mask: if mine.mask == before.mask { theirs.mask } else { mine.mask },
        absent: if before.absent { false } else { theirs.absent },
    };
    // Whoever marks something there says that the object is there.
    let is_marked = !says_nothing(&SlicePrompt { absent: false, ..merged.clone() });
    SlicePrompt { absent: merged.absent && !is_marked, ..merged }
}

/// Whether a prompt says nothing any more.
pub(crate) fn says_nothing(prompt: &SlicePrompt) -> bool {
    prompt.bounds.is_none()
        && prompt.points.is_empty()
        && prompt.scribbles.is_empty()
        && !prompt.mask
        && !prompt.absent
}

/// `theirs` without what went from `before` to `mine`, with what came. Equal items are counted, and a
/// change that `theirs` holds already, because it came twice, changes nothing.
fn merged_list<T: Clone + PartialEq>(before: &[T], mine: &[T], theirs: &[T]) -> Vec<T> {
    let count = |list: &[T], item: &T| list.iter().filter(|&it| it == item).count();
    let mut list = theirs.to_vec();
    for item in before {
        let wanted = count(mine, item);
        while wanted < count(before, item).min(count(&list, item))
            && let Some(at) = list.iter().position(|it| it == item)
        {
            list.remove(at);
        }
    }
    for item in mine {
        let wanted = count(mine, item);
        while count(before, item) < wanted && count(&list, item) < wanted {
            list.push(item.clone());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use protocol::prompt::{Point, SliceRef};

    use super::*;

    fn prompt(bounds: Option<[f64; 4]>, xs: &[f64]) -> SlicePrompt {
        SlicePrompt {
            slice: SliceRef { axis: 2, slice_index: 5 },
            label: 1,
            bounds,
            points: xs.iter().map(|&x| Point { x, y: 0.0, positive: true }).collect(),
            scribbles: Vec::new(),
            mask: false,
            absent: false,
        }
    }

    fn xs(prompt: &SlicePrompt) -> Vec<f64> {
        prompt.points.iter().map(|it| it.x).collect()
    }

    #[test]
    fn what_both_added_and_took_away_counts() {
        let before = prompt(None, &[1.0, 2.0, 2.0]);
        let mine = prompt(None, &[2.0, 2.0, 3.0]);
        let theirs = prompt(Some([0.0, 0.0, 4.0, 4.0]), &[1.0, 2.0, 4.0]);
        let merged = merged(&before, &mine, &theirs);
        assert_eq!(xs(&merged), [2.0, 4.0, 3.0]);
        assert_eq!(merged.bounds, theirs.bounds);
    }

    #[test]
    fn alone_a_person_gets_what_they_said() {
        let before = prompt(Some([0.0, 0.0, 1.0, 1.0]), &[1.0]);
        for mine in [prompt(None, &[]), prompt(Some([0.0; 4]), &[1.0, 1.0]), before.clone()] {
            assert_eq!(merged(&before, &mine, &before), mine);
        }
    }

    #[test]
    fn what_came_twice_counts_once() {
        let before = prompt(None, &[1.0, 2.0, 2.0]);
        for mine in [prompt(None, &[1.0, 2.0, 2.0, 3.0, 3.0]), prompt(None, &[2.0]), before.clone()]
        {
            let once = merged(&before, &mine, &before);
            assert_eq!(merged(&before, &mine, &once), mine);
            let others = merged(&before, &mine, &prompt(None, &[1.0, 2.0, 4.0]));
            assert_eq!(merged(&before, &mine, &others), others);
        }
    }

    #[test]
    fn a_box_is_the_last_ones_who_changed_it() {
        let before = prompt(Some([0.0, 0.0, 1.0, 1.0]), &[]);
        let mine = prompt(Some([0.0, 0.0, 2.0, 2.0]), &[]);
        let theirs = prompt(Some([0.0, 0.0, 3.0, 3.0]), &[]);
        assert_eq!(merged(&before, &mine, &theirs).bounds, mine.bounds);
        assert_eq!(merged(&before, &before, &theirs).bounds, theirs.bounds);
    }

    #[test]
    fn absence_gives_way_to_a_mark() {
        let nothing = prompt(None, &[]);
        let absent = SlicePrompt { absent: true, ..nothing.clone() };
        let marked = prompt(None, &[1.0]);
        assert!(merged(&nothing, &absent, &marked).absent);
        assert_eq!(merged(&nothing, &marked, &absent), marked);
        assert_eq!(merged(&absent, &nothing, &absent), nothing);
    }
}
