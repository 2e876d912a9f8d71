//! The bridge from tensors to `kernels`, which do in one pass over the numbers what `ops` does in many.
//!
//! They run where no gradient is asked for and all numbers are float32 on the CPU; the plain path of
//! `ops` and `layers` is their twin, and tests hold the two together.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Device, InplaceOp3, Layout, Result, Shape, Storage, Tensor};

/// Whether the kernels can take the place of the plain path.
pub(super) fn applies(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|it| {
        it.device().is_cpu() && it.dtype() == DType::F32 && it.is_contiguous() && !it.track_op()
    })
}

/// The numbers of a tensor that [`applies`].
pub(super) fn numbers(x: &Tensor) -> Result<impl Deref<Target = [f32]>> {
    let (storage, layout) = x.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(_)), Some((start, end))) => {
            Ok(Numbers { storage, start, end })
        }
        _ => candle_core::bail!("a kernel got other numbers than float32 side by side"),
    }
}

/// Numbers behind candle's lock.
struct Numbers<S> {
    storage: S,
    start: usize,
    end: usize,
}

impl<S: Deref<Target = Storage>> Deref for Numbers<S> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(all)) => &all[self.start..self.end],
            Storage::Cpu(_) | Storage::Cuda(_) | Storage::Metal(_) => &[],
        }
    }
}

/// A tensor of numbers that a kernel has made.
pub(super) fn tensor(numbers: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(numbers, shape.into(), &Device::Cpu)
}

/// Rotations of channel pairs, in place.
///
/// # Shapes
/// `x` (1, 1, tokens, channels), of which the first `n_rotated` are rotated; `cosines` and `sines`
/// (grid, channels / 2, 1)
pub(super) fn rotate(x: &Tensor, n_rotated: usize, cosines: &Tensor, sines: &Tensor) -> Result<()> {
    x.inplace_op3(cosines, sines, &Rotate { n_rotated })
}

struct Rotate {
    n_rotated: usize,
}

impl InplaceOp3 for Rotate {
    fn name(&self) -> &'static str {
        "rotate channel pairs"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        x_layout: &Layout,
        cosines: &CpuStorage,
        _: &Layout,
        sines: &CpuStorage,
        _: &Layout,
    ) -> Result<()> {
        let channels = x_layout.dims().last().copied().unwrap_or_default();
        let (CpuStorage::F32(x), CpuStorage::F32(cosines), CpuStorage::F32(sines)) =
            (x, cosines, sines)
        else {
            candle_core::bail!("a kernel got other numbers than float32")
        };
        let Some((start, _)) = x_layout.contiguous_offsets() else {
            candle_core::bail!("a kernel got numbers that do not lie side by side")
        };
        let x = &mut x[start..start + self.n_rotated * channels];
        kernels::rotate(x, cosines, sines, channels / 2);
        Ok(())
    }
}
