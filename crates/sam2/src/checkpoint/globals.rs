//! The names that a pickle may use. Any other is refused before anything is done with it.

use super::pickle::{Element, Step};

/// Letters of a refused name that are repeated.
const MAX_SAID: usize = 256;

/// A name that is known.
#[derive(Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

/// What a name stands for.
pub(super) fn global(module: &str, name: &str) -> Step<Global> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("torch", "FloatStorage") => Global::Storage(Element::F32),
        ("torch", "DoubleStorage") => Global::Storage(Element::F64),
        ("torch", "HalfStorage") => Global::Storage(Element::F16),
        ("torch", "BFloat16Storage") => Global::Storage(Element::Bf16),
        ("torch", "LongStorage" | "IntStorage" | "ByteStorage" | "BoolStorage") => {
            Global::Storage(Element::Other)
        }
        _ => {
            let asked: String = format!("{module}.{name}").chars().take(MAX_SAID).collect();
            return Err(format!("it asks for {asked}, which no weights need"));
        }
    })
}
