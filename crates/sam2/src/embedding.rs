//! Embeddings as plain numbers, so that they can be kept outside of memory.

use candle_core::{Device, Result, Tensor};

use crate::{Config, SliceEmbedding};

impl SliceEmbedding {
    /// How many numbers an embedding of a network with these dimensions has.
    #[must_use]
    pub fn n_numbers(config: &Config) -> usize {
        shapes(config).iter().map(|it| it.iter().product::<usize>()).sum()
    }

    /// Every number, in the order of [`SliceEmbedding::from_numbers`].
    ///
    /// # Errors
    /// If they cannot be fetched from their device.
    pub fn numbers(&self) -> Result<Vec<f32>> {
        let [fine, middle] = &self.high_res;
        let mut numbers = Vec::new();
        for map in [&self.features, middle, fine] {
            numbers.extend(map.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(numbers)
    }

    /// An embedding of the numbers that another one told of itself.
    ///
    /// # Errors
    /// If there are fewer or more than the network's dimensions ask for.
    pub fn from_numbers(config: &Config, numbers: &[f32], device: &Device) -> Result<Self> {
        let n_numbers = Self::n_numbers(config);
        if numbers.len() != n_numbers {
            candle_core::bail!("an embedding of {} numbers, not {n_numbers}", numbers.len());
        }
        let mut rest = numbers;
        let mut next = |shape: [usize; 4]| {
            let (these, others) = rest.split_at(shape.iter().product());
            rest = others;
            Tensor::from_slice(these, &shape, device)
        };
        let [coarse, middle, fine] = shapes(config).map(&mut next);
        Ok(Self { features: coarse?.flatten(1, 2)?, high_res: [fine?, middle?] })
    }
}

/// (1, h, w, channels) of the maps, from coarse to fine.
fn shapes(config: &Config) -> [[usize; 4]; 3] {
    let (n, c) = (config.embedding_size(), config.neck.d_model);
    [[1, n, n, c], [1, 2 * n, 2 * n, c / 4], [1, 4 * n, 4 * n, c / 8]]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use candle_core::DType;

    use super::*;
    use crate::Sam2;

    #[test]
    fn an_embedding_comes_back_from_its_numbers() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro");
        let config = Config::open(&folder.join("config.yaml")).unwrap();
        let model = Sam2::open(
            &folder.join("checkpoint.pt"),
            &config,
            &Device::Cpu,
            kernels::Precision::F32,
        )
        .unwrap();
        let s = config.image_size;
        let levels = Tensor::arange(0_f32, (3 * s * s) as f32, &Device::Cpu).unwrap();
        let pixels = levels.sin().unwrap().reshape((1, 3, s, s)).unwrap();
        let embedding = model.encode(&pixels).unwrap();
        let numbers = embedding.numbers().unwrap();
        assert_eq!(numbers.len(), SliceEmbedding::n_numbers(&config));
        let again = SliceEmbedding::from_numbers(&config, &numbers, &Device::Cpu).unwrap();
        for (one, other) in embedding.maps().unwrap().iter().zip(again.maps().unwrap()) {
            assert_eq!(one.dims(), other.dims());
            let differs = one.ne(&other).unwrap().to_dtype(DType::F32).unwrap();
            assert!(differs.sum_all().unwrap().to_scalar::<f32>().unwrap() < 0.5);
        }
        let fewer = SliceEmbedding::from_numbers(&config, &numbers[1..], &Device::Cpu).unwrap_err();
        assert!(fewer.to_string().contains("numbers"), "{fewer}");
    }
}
