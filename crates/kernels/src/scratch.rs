//! Memory for intermediate numbers that every thread keeps: fresh memory costs as much as arithmetic.

use std::cell::RefCell;

use bytemuck::Pod;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `work` a slice of `length` numbers, whatever they are.
pub(crate) fn with_scratch<T: Pod, R>(length: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    let words = (length * size_of::<T>()).div_ceil(size_of::<u64>());
    if buffer.len() < words {
        buffer.resize(words, 0);
    }
    let result = work(&mut bytemuck::cast_slice_mut::<u64, T>(&mut buffer[..words])[..length]);
    BUFFERS.with_borrow_mut(|it| it.push(buffer));
    result
}
