//! English out of a template and its values: `{n}` is a value, `{n|job|jobs}` the word that fits it.

use std::collections::BTreeMap;
#[cfg(test)]
use std::collections::BTreeSet;

/// The template's text, with what stands in each place.
pub(crate) fn filled(template: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut text = String::new();
    for (plain, place) in pieces(template) {
        text.push_str(plain);
        let mut parts = place.split('|');
        let value = parts.next().and_then(|name| values.get(name)).copied().unwrap_or_default();
        text.push_str(match (parts.next(), parts.next()) {
            (Some(one), _) if value == "1" => one,
            (_, Some(many)) => many,
            (_, None) => value,
        });
    }
    text
}

/// The names of the values that a template has places for.
#[cfg(test)]
pub(crate) fn places(template: &str) -> BTreeSet<&str> {
    let names = pieces(template).map(|(_, place)| place.split('|').next().unwrap_or_default());
    names.filter(|name| !name.is_empty()).collect()
}

/// What stands before each place, and what stands in its braces; nothing in those of the last.
fn pieces(template: &str) -> impl Iterator<Item = (&str, &str)> {
    template.split('}').map(|piece| piece.split_once('{').unwrap_or((piece, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_follows_its_number() {
        let template = "{n} {n|file is|files are} in {folder}.";
        let say = |n| filled(template, &BTreeMap::from([("n", n), ("folder", "/a {b}")]));
        assert_eq!(say("1"), "1 file is in /a {b}.");
        assert_eq!(say("11"), "11 files are in /a {b}.");
        assert_eq!(places(template), BTreeSet::from(["folder", "n"]));
        assert_eq!(filled("plain", &BTreeMap::new()), "plain");
    }
}
