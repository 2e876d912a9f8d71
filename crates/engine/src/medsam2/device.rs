//! Where the network computes, and what happens where that has too little memory.

use std::{
    fmt,
    process::{Command, Stdio},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use sam2::Device;

use super::{Medsam2, Network, OpenError};
use crate::EngineError;

/// What the published code holds for one object, in bytes; with less room there is no use in trying.
const NEEDED_BYTES: u64 = 1_070_000_000;

/// Where to compute, as it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first NVIDIA GPU where this build and this machine have one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU, by its number.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").and_then(|it| it.parse().ok());
                let wrong = || format!("`{text}` is no device: expected auto, cpu, cuda or cuda:N");
                number.map(Self::Cuda).ok_or_else(wrong)
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceChoice {
    /// Whether this build can compute there at all.
    ///
    /// # Errors
    /// [`OpenError::NoCuda`] where it cannot.
    pub fn check(self) -> Result<(), OpenError> {
        match self {
            Self::Cuda(_) if !sam2::has_cuda() => Err(OpenError::NoCuda(self)),
            Self::Auto | Self::Cpu | Self::Cuda(_) => Ok(()),
        }
    }

    /// What it stands for on this machine, as agents name it: `cpu` or `cuda:N`, and the memory of
    /// the GPU where its driver says.
    #[must_use]
    pub fn place(self) -> (String, Option<u64>) {
        let gpu = |number| (Self::Cuda(number).to_string(), GpuMemory::of(number));
        match self {
            Self::Auto if sam2::has_cuda() => match gpu(0) {
                (name, Some(memory)) => (name, Some(memory.total_bytes)),
                (_, None) => (Self::Cpu.to_string(), None),
            },
            Self::Auto | Self::Cpu => (Self::Cpu.to_string(), None),
            Self::Cuda(number) => {
                let (name, memory) = gpu(number);
                (name, memory.map(|it| it.total_bytes))
            }
        }
    }

    /// The device, and why it is not the one that was meant.
    pub(super) fn open(self, memory_limit: f64) -> Result<(Device, Option<String>), OpenError> {
        self.check()?;
        let number = match self {
            Self::Cpu => return Ok((Device::Cpu, None)),
            Self::Auto if !sam2::has_cuda() => return Ok((Device::Cpu, None)),
            Self::Auto => 0,
            Self::Cuda(number) => number,
        };
        match (Device::new_cuda(number), self) {
            (Ok(device), _) => {
                match GpuMemory::of(number).and_then(|it| it.too_full(memory_limit)) {
                    Some(reason) => Ok((Device::Cpu, Some(reason))),
                    None => Ok((device, None)),
                }
            }
            // A machine without a driver is none to complain about.
            (Err(_), Self::Auto | Self::Cpu) => Ok((Device::Cpu, None)),
            (Err(error), Self::Cuda(_)) => {
                Err(OpenError::Device { device: self, reason: error.to_string() })
            }
        }
    }
}

/// The memory of a GPU, as its driver's own tool says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GpuMemory {
    used_bytes: u64,
    total_bytes: u64,
}

impl GpuMemory {
    fn of(number: usize) -> Option<Self> {
        let output = Command::new("nvidia-smi")
            .args(["--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"])
            .arg(format!("--id={number}"))
            .stdin(Stdio::null())
            .output()
            .ok()?;
        Self::parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// `512, 143771`, in MiB.
    fn parse(line: &str) -> Option<Self> {
        let (used, total) = line.trim().split_once(',')?;
        let bytes = |it: &str| it.trim().parse::<u64>().ok().map(|it| it << 20);
        Some(Self { used_bytes: bytes(used)?, total_bytes: bytes(total)? })
    }

    /// Why the network has no room within this part of the memory.
    fn too_full(self, memory_limit: f64) -> Option<String> {
        let allowed = self.total_bytes as f64 * memory_limit;
        let is_full = (self.used_bytes + NEEDED_BYTES) as f64 > allowed;
        is_full.then(|| {
            format!(
                "computed on the CPU: {} of the GPU's {} MiB are in use, and GPU_MEMORY_LIMIT \
                 allows {:.0} %",
                self.used_bytes >> 20,
                self.total_bytes >> 20,
                100.0 * memory_limit
            )
        })
    }
}

/// Reads the same weights for the CPU.
pub(super) type OpenTwin = dyn Fn() -> Result<Arc<Network>, OpenError> + Send + Sync;

/// The same network on the CPU, read once it is needed.
pub(super) struct Twin {
    open: Box<OpenTwin>,
    opened: Mutex<Option<Arc<Network>>>,
}

impl Twin {
    pub(super) fn new(open: Box<OpenTwin>) -> Self {
        Self { open, opened: Mutex::default() }
    }

    fn network(&self) -> Result<Arc<Network>, OpenError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = &*opened {
            return Ok(Arc::clone(network));
        }
        let network = (self.open)()?;
        *opened = Some(Arc::clone(&network));
        Ok(network)
    }
}

impl Medsam2 {
    /// The same network on the CPU, because memory ran out before. What it makes says so. Where it is
    /// there already, it forgets the slices that it keeps in memory.
    ///
    /// # Errors
    /// If the weights cannot be read for the CPU.
    pub fn frugal(&self) -> Result<Self, EngineError> {
        self.network.embeddings.clear();
        let Some(twin) = &self.twin else { return Ok(self.clone()) };
        let network = twin.network().map_err(|it| EngineError::Network(it.to_string()))?;
        let device = &self.network.identity.device;
        let remark = format!("computed on the CPU: memory ran out in an attempt on {device}");
        Ok(Self { network, twin: None, remark: Some(remark), ..self.clone() })
    }

    /// Computes something, and once more on the CPU where the device's memory ran out. What it made
    /// then says so.
    pub(crate) fn with_fallback<T>(
        &self,
        compute: impl Fn(&Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        match (compute(self), &self.twin) {
            (Err(EngineError::OutOfMemory(reason)), Some(twin)) => {
                tracing::warn!(reason, "the device's memory ran out: computing on the CPU");
                let network = twin.network().map_err(|it| EngineError::Network(it.to_string()))?;
                let device = &self.network.identity.device;
                let remark = format!("computed on the CPU: the memory of {device} ran out");
                compute(&Self { network, twin: None, remark: Some(remark), ..self.clone() })
            }
            (found, _) => found,
        }
    }
}

/// Whether an error of the tensor library says that memory ran out; it has no kind for that.
pub(super) fn is_out_of_memory(error: &candle_core::Error) -> bool {
    let said = error.to_string().to_lowercase();
    ["out of memory", "out_of_memory", "outofmemory"].iter().any(|it| said.contains(it))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, path::Path};

    use protocol::{id::Sha256, task::ModelIdentity};
    use sam2::{Config, Precision, Sam2};

    use super::*;

    fn network(device: &str) -> Medsam2 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro");
        let config = Config::open(&folder.join("config.yaml")).unwrap();
        let checkpoint = folder.join("checkpoint.pt");
        let model = Sam2::open(&checkpoint, &config, &Device::Cpu, Precision::F32).unwrap();
        let identity = ModelIdentity {
            name: "micro".to_owned(),
            sha256: Sha256::from_digest([7; 32]),
            licence: String::new(),
            precision: "f32".to_owned(),
            device: device.to_owned(),
            window: None,
            remark: None,
        };
        Medsam2::new(model, identity)
    }

    #[test]
    fn devices_are_read_as_people_write_them() {
        for text in ["auto", "cpu", "cuda:0", "cuda:3"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for text in ["", "gpu", "cuda:", "cuda:-1", "CPU "] {
            assert!(text.parse::<DeviceChoice>().unwrap_err().contains("cuda:N"), "{text}");
        }
    }

    #[test]
    fn without_cuda_auto_is_the_cpu_and_cuda_says_what_to_do() {
        if sam2::has_cuda() {
            return;
        }
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu] {
            let (device, remark) = choice.open(0.8).unwrap();
            assert!(device.is_cpu() && remark.is_none());
        }
        let error = DeviceChoice::Cuda(1).open(0.8).unwrap_err().to_string();
        assert!(error.contains("cuda:1") && error.contains("no CUDA"), "{error}");
        assert!(error.contains("auto or cpu") && error.contains("--features cuda"), "{error}");
    }

    #[test]
    fn a_gpu_is_used_within_the_limit_only() {
        let memory = GpuMemory::parse("3000, 8000\n").unwrap();
        assert_eq!(memory.too_full(0.8), None);
        let reason = memory.too_full(0.4).unwrap();
        assert!(reason.contains("3000 of") && reason.contains("8000") && reason.contains("40 %"));
        assert_eq!(GpuMemory::parse("No devices were found"), None);
    }

    /// The work is done by whoever is given, and says of what.
    #[test]
    fn out_of_memory_is_computed_again_on_the_cpu_and_says_so() {
        let tried = RefCell::new(Vec::new());
        let compute = |it: &Medsam2| {
            let model = it.identity(None).model.unwrap();
            tried.borrow_mut().push(model.device.clone());
            match model.device.as_str() {
                "cpu" => Ok(model),
                _ => Err(candle_core::Error::Msg("CUDA_ERROR_OUT_OF_MEMORY".to_owned()).into()),
            }
        };
        let alone = network("cuda:0");
        let error = alone.with_fallback(compute).unwrap_err();
        assert!(matches!(error, EngineError::OutOfMemory(_)));

        let alone_again = network("cpu");
        let twin = Twin::new(Box::new(|| Ok(network("cpu").network)));
        let backed = Medsam2 { twin: Some(Arc::new(twin)), ..alone };
        let model = backed.with_fallback(compute).unwrap();
        assert_eq!(
            model.remark.as_deref(),
            Some("computed on the CPU: the memory of cuda:0 ran out")
        );
        assert_eq!(model.device, "cpu");
        assert_eq!(*tried.borrow(), ["cuda:0", "cuda:0", "cpu"]);

        let frugal = backed.frugal().unwrap();
        let model = frugal.identity(None).model.unwrap();
        assert_eq!(model.device, "cpu");
        assert!(model.remark.unwrap().contains("an attempt on cuda:0"));
        assert_eq!(alone_again.frugal().unwrap().identity(None).model.unwrap().remark, None);

        let other = |_: &Medsam2| -> Result<(), EngineError> { Err(EngineError::Cancelled) };
        assert_eq!(backed.with_fallback(other), Err(EngineError::Cancelled));
    }
}
