//! The bytes of a pickle, taken from the front; nothing is read beyond their end.

use super::pickle::Step;

#[derive(Default)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been taken.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let taken = taken.ok_or_else(|| "the pickle ends too early".to_owned())?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Step<u8> {
        self.array::<1>().map(|it| it[0])
    }

    pub(super) fn u32(&mut self) -> Step<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Text up to the end of the line.
    pub(super) fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let bytes = rest.iter().position(|it| *it == b'\n').ok_or("the pickle ends too early")?;
        self.at += bytes + 1;
        std::str::from_utf8(&rest[..bytes]).map_err(|_bytes| "a name is not UTF-8".to_owned())
    }
}
