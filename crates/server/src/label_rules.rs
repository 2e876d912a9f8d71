//! What a list of objects must be.

use protocol::label::{Code, Label};

use crate::error::ApiError;

/// Checks a list of objects.
///
/// # Errors
/// If a value, name, colour, opacity or code cannot be used; the field is named.
pub(crate) fn check_labels(labels: &[Label]) -> Result<(), ApiError> {
    for (n, label) in labels.iter().enumerate() {
        let field = |name: &str| format!("labels[{n}].{name}");
        let is_taken = labels[..n].iter().any(|it| it.value == label.value);
        if label.value == 0 || is_taken {
            let message = "each label has its own value, 1–255";
            return Err(ApiError::invalid(&field("value"), message));
        }
        check_name(&field("name"), &label.name)?;
        if !is_color(&label.color) {
            return Err(ApiError::invalid(&field("color"), "a colour is written #rrggbb"));
        }
        if label.opacity.is_some_and(|it| !(0.0..=1.0).contains(&it)) {
            return Err(ApiError::invalid(&field("opacity"), "an opacity is a number from 0 to 1"));
        }
        if let Some(anatomy) = &label.anatomy {
            check_code(&field("anatomy.category"), &anatomy.category)?;
            check_code(&field("anatomy.kind"), &anatomy.kind)?;
            if let Some(laterality) = &anatomy.laterality {
                check_code(&field("anatomy.laterality"), laterality)?;
            }
        }
    }
    Ok(())
}

/// Checks a name.
///
/// # Errors
/// If it is long, or holds control characters.
pub(crate) fn check_name(field: &str, text: &str) -> Result<(), ApiError> {
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(ApiError::invalid(field, "a name has at most 200 printable characters"));
    }
    Ok(())
}

fn check_code(field: &str, code: &Code) -> Result<(), ApiError> {
    if !["SCT", "DCM"].contains(&code.scheme.as_str()) {
        let message = "a code's scheme is SCT (SNOMED CT) or DCM (DICOM)";
        return Err(ApiError::invalid(&format!("{field}.scheme"), message));
    }
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b".-".contains(&it);
    if !((1..=16).contains(&code.value.len()) && code.value.bytes().all(is_plain)) {
        let message = "a code's value has 1–16 letters, digits, dots and hyphens";
        return Err(ApiError::invalid(&format!("{field}.value"), message));
    }
    let n_chars = code.meaning.chars().count();
    if !(1..=64).contains(&n_chars) || code.meaning.chars().any(char::is_control) {
        let message = "a code's meaning has 1–64 printable characters";
        return Err(ApiError::invalid(&format!("{field}.meaning"), message));
    }
    Ok(())
}

fn is_color(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use protocol::label::Anatomy;

    use super::*;

    fn code(scheme: &str, value: &str, meaning: &str) -> Code {
        Code { scheme: scheme.to_owned(), value: value.to_owned(), meaning: meaning.to_owned() }
    }

    fn with_kind(kind: Code) -> Label {
        let category = code("SCT", "123037004", "Anatomical structure");
        let mut label = Label::new(1, "Liver", "#ff0000");
        label.anatomy = Some(Anatomy { category, kind, laterality: None });
        label
    }

    #[test]
    fn codes_are_those_of_snomed_and_dicom() {
        let liver = with_kind(code("SCT", "10200004", "Liver"));
        assert_eq!(check_labels(&[liver]), Ok(()));
        for (kind, field) in [
            (code("LN", "1", "x"), "labels[0].anatomy.kind.scheme"),
            (code("SCT", "", "x"), "labels[0].anatomy.kind.value"),
            (code("SCT", "12345678901234567", "x"), "labels[0].anatomy.kind.value"),
            (code("DCM", "a b", "x"), "labels[0].anatomy.kind.value"),
            (code("SCT", "1", ""), "labels[0].anatomy.kind.meaning"),
            (code("SCT", "1", &"m".repeat(65)), "labels[0].anatomy.kind.meaning"),
        ] {
            let refused = check_labels(&[with_kind(kind)]).unwrap_err();
            assert_eq!(refused.detail().field.as_deref(), Some(field));
        }
    }

    #[test]
    fn values_colours_and_opacities_have_bounds() {
        let red = |value| Label::new(value, "A", "#ff0000");
        let dim = |opacity| Label { opacity: Some(opacity), ..red(1) };
        assert_eq!(check_labels(&[red(1), red(255), Label { value: 2, ..dim(0.0) }]), Ok(()));
        for (labels, field) in [
            (vec![red(0)], "labels[0].value"),
            (vec![red(1), red(1)], "labels[1].value"),
            (vec![Label::new(1, "A", "red")], "labels[0].color"),
            (vec![Label::new(1, "a\nb", "#ff0000")], "labels[0].name"),
            (vec![dim(1.01)], "labels[0].opacity"),
            (vec![dim(f32::NAN)], "labels[0].opacity"),
        ] {
            let refused = check_labels(&labels).unwrap_err();
            assert_eq!(refused.detail().field.as_deref(), Some(field));
        }
    }
}
