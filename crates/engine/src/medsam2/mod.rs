//! MedSAM2 as an engine: slices through a window to the network, its logits back to the slice.

mod device;
mod doubt;
mod embeddings;
mod files;
mod grey;
mod idle;
mod marks;
mod open;
mod passes;
mod places;
mod points3d;
mod propagation;
mod resize;
mod stop;
mod ways;

use std::{fmt, sync::Arc};

use graphcut::refine::refined;
use protocol::{
    id,
    job::Modality,
    prompt::{SlicePrompt, SliceRef},
    task::{EngineIdentity, EngineName, ModelIdentity},
};
use sam2::{Device, Sam2, SliceEmbedding, SliceMask, Tensor};
use serde::{Deserialize, Serialize};
use volume::{Labelmap, Volume, plane_axes, window::Window};

use crate::{
    EngineError,
    check::{CheckedSlice, check_slice},
    graphcut_engine::{seeds, usable_spacing},
};
use device::Twin;
use embeddings::{Asked, Embeddings, Urgency};

pub use device::DeviceChoice;
pub use files::EmbeddingFiles;
pub use grey::WindowChoice;
pub use open::{
    CHECKPOINT, CONFIG, Compute, LICENCE, OpenError, PrecisionChoice, absent, config_beside,
};
pub(crate) use propagation::Job;

/// Embeddings of slices that are kept in memory; a slice of 512×512 takes 4 MB.
const EMBEDDING_BYTES: usize = 256 << 20;

/// Of slices without the object, as the network itself has it.
const ABSENT_LOGIT: f32 = -1024.0;

/// The network with its weights, and how it is to be used. Clones share the weights and the
/// embeddings of slices.
#[derive(Clone)]
pub struct Medsam2 {
    network: Arc<Network>,
    options: Medsam2Options,
    keeps_logits: bool,
    files: Option<Arc<EmbeddingFiles>>,
    image: Option<id::Sha256>,
    /// The same network on the CPU, where this one is elsewhere.
    twin: Option<Arc<Twin>>,
    /// Why it does not compute where it was meant to.
    remark: Option<String>,
}

/// What decides about masks besides weights and prompts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Medsam2Options {
    /// Which intensities the network sees.
    pub window: WindowChoice,
    /// Whether a propagation ends where the object ends.
    pub stops: bool,
}

impl Default for Medsam2Options {
    fn default() -> Self {
        Self { window: WindowChoice::Auto, stops: true }
    }
}

/// What clones share.
struct Network {
    model: Sam2,
    embeddings: Embeddings,
    identity: ModelIdentity,
}

impl Network {
    fn new(model: Sam2, identity: ModelIdentity, device: Device) -> Self {
        let embeddings = Embeddings::new(&model, &identity, device, EMBEDDING_BYTES);
        Self { model, embeddings, identity }
    }
}

impl Medsam2 {
    /// An engine of a network that is in memory already, on the CPU.
    #[must_use]
    pub fn new(model: Sam2, identity: ModelIdentity) -> Self {
        Self::of(Arc::new(Network::new(model, identity, Device::Cpu)))
    }

    fn of(network: Arc<Network>) -> Self {
        Self {
            network,
            options: Medsam2Options::default(),
            keeps_logits: false,
            files: None,
            image: None,
            twin: None,
            remark: None,
        }
    }

    /// The same network, used otherwise.
    #[must_use]
    pub fn with(&self, options: Medsam2Options) -> Self {
        Self { options, ..self.clone() }
    }

    /// The same network, whose propagations also tell the logits of every slice.
    #[must_use]
    pub fn keeping_logits(&self) -> Self {
        Self { keeps_logits: true, ..self.clone() }
    }

    /// The same network, which keeps embeddings of known images on disk.
    #[must_use]
    pub fn keeping_embeddings(&self, files: Arc<EmbeddingFiles>) -> Self {
        Self { files: Some(files), ..self.clone() }
    }

    /// The same network, for the volumes of an image with this content.
    #[must_use]
    pub fn of_image(&self, image: &id::Sha256) -> Self {
        Self { image: Some(image.clone()), ..self.clone() }
    }

    /// How it is used.
    #[must_use]
    pub fn options(&self) -> Medsam2Options {
        self.options
    }

    /// The window that the volume's slices are seen through, of an unknown modality. To look at a
    /// large volume once for many prompts, keep it and pass it as [`WindowChoice::Between`].
    #[must_use]
    pub fn window(&self, volume: &Volume) -> Window {
        self.window_for(Modality::Unknown, volume)
    }

    /// The same for a volume of which may be known what kind of machine made it.
    #[must_use]
    pub fn window_for(&self, modality: Modality, volume: &Volume) -> Window {
        grey::resolve(self.options.window, modality, volume)
    }

    /// How often the encoder ran, for all clones together.
    #[must_use]
    pub fn n_encoded(&self) -> u64 {
        self.network.embeddings.n_encoded()
    }

    /// As a mask's history records it; the window is that of the mask.
    #[must_use]
    pub fn identity(&self, window: Option<Window>) -> EngineIdentity {
        let window = window.map(|it| [it.low, it.high]);
        EngineIdentity {
            name: EngineName::Medsam2,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: Some(ModelIdentity {
                window,
                remark: self.remark.clone(),
                ..self.network.identity.clone()
            }),
        }
    }

    /// Encodes a slice that somebody looks at, so that a prompt on it takes the decoder's time only.
    /// Whatever else wants the processor goes first.
    ///
    /// # Errors
    /// If the slice lies outside the volume, or the computation fails.
    pub fn prepare(&self, volume: &Volume, slice: SliceRef) -> Result<(), EngineError> {
        let CheckedSlice { axis, index, shape } = check_slice(slice, volume.shape(), "")?;
        let (window, urgency) = (self.window(volume), Urgency::Background);
        Sight { engine: self, volume, axis, shape, window, urgency }.embedding(index)?;
        Ok(())
    }

    /// Finds the marked object on its slice.
    pub(crate) fn segment_slice(
        &self,
        volume: &Volume,
        prompt: &SlicePrompt,
        slice: &CheckedSlice,
        base: Option<&Labelmap>,
    ) -> Result<SliceAnswer, EngineError> {
        let window = self.window(volume);
        let engine = self.identity(Some(window));
        let n_voxels = slice.shape[0] * slice.shape[1];
        if prompt.absent {
            let logits = vec![ABSENT_LOGIT; n_voxels];
            return Ok(SliceAnswer { mask: vec![false; n_voxels], logits, engine });
        }
        let labels = base.map(|it| it.slice(slice.axis, slice.index).pixels);
        let earlier: Option<Vec<bool>> = match (prompt.mask, &labels) {
            (true, Some(labels)) => Some(labels.iter().map(|it| *it == prompt.label).collect()),
            (true, None) => return Err(EngineError::NoMask { field: "mask".to_owned() }),
            (false, _) => None,
        };
        let earlier = earlier.filter(|it| it.contains(&true));
        if earlier.is_none() && !marks::shows_object(prompt) {
            return Err(EngineError::NothingMarked { field: "box".to_owned() });
        }
        let CheckedSlice { axis, shape, .. } = *slice;
        let urgency = Urgency::Now;
        let sight = Sight { engine: self, volume, axis, shape, window, urgency };
        let _prompt = self.network.embeddings.go_first();
        let embedding = sight.embedding(slice.index)?;
        let found = sight.answer(&embedding, prompt, earlier.as_deref())?;
        let logits = sight.logits(&found)?;
        let is_free =
            |at: usize| labels.as_ref().is_none_or(|it| it[at] == 0 || it[at] == prompt.label);
        let found: Vec<bool> =
            logits.iter().enumerate().map(|(at, it)| *it > 0.0 && is_free(at)).collect();
        let is_other = |at: [usize; 2]| !is_free(at[1] * shape[0] + at[0]);
        let seeds = seeds(prompt, shape, is_other);
        let mask = match earlier.filter(|_| !seeds.is_empty()) {
            Some(held) => {
                let [a, b] = plane_axes(axis);
                let spacing = volume.grid.spacing_mm();
                let spacing_mm = usable_spacing([spacing[a], spacing[b], spacing[axis]]);
                refined(&held, &found, &seeds, shape, spacing_mm)
            }
            None => found,
        };
        Ok(SliceAnswer { mask, logits, engine })
    }
}

impl fmt::Debug for Medsam2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Medsam2")
            .field("model", &self.network.identity)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Medsam2 {
    fn eq(&self, other: &Self) -> bool {
        self.network.identity == other.network.identity
            && (self.options, self.keeps_logits) == (other.options, other.keeps_logits)
    }
}

/// The object on one slice.
pub(crate) struct SliceAnswer {
    pub(crate) mask: Vec<bool>,
    pub(crate) logits: Vec<f32>,
    pub(crate) engine: EngineIdentity,
}

/// A volume along an axis, through a window.
struct Sight<'a> {
    engine: &'a Medsam2,
    volume: &'a Volume,
    axis: usize,
    /// Voxels of a slice along x and y.
    shape: [usize; 2],
    window: Window,
    urgency: Urgency,
}

impl Sight<'_> {
    fn model(&self) -> &Sam2 {
        &self.engine.network.model
    }

    /// The slice as the network sees it.
    fn embedding(&self, index: usize) -> Result<SliceEmbedding, EngineError> {
        let slice = self.volume.slice(self.axis, index);
        let side = self.model().config().image_size;
        let greys = grey::resized_greys(&slice, self.window, side);
        let kept = self.engine.files.as_deref().zip(self.engine.image.as_ref());
        let asked = Asked { greys: &greys, urgency: self.urgency, kept };
        Ok(self.engine.network.embeddings.get(self.model(), &asked)?)
    }

    /// What the network answers to a prompt; to marks on an earlier mask, what becomes of it.
    fn answer(
        &self,
        embedding: &SliceEmbedding,
        prompt: &SlicePrompt,
        earlier: Option<&[bool]>,
    ) -> Result<SliceMask, EngineError> {
        let points = marks::points(prompt, self.shape, self.model().config().image_size);
        let Some(earlier) = earlier else {
            return Ok(self.model().prompt(embedding, &points, None)?);
        };
        let [width, height] = self.shape;
        let numbers: Vec<f32> = earlier.iter().map(|it| f32::from(u8::from(*it))).collect();
        let mask =
            Tensor::from_vec(numbers, (height, width), &self.engine.network.embeddings.device)?;
        let found = self.model().prompt_mask(embedding, &mask)?;
        if points.is_empty() {
            return Ok(found);
        }
        Ok(self.model().prompt(embedding, &points, Some(&found))?)
    }

    /// Logits of the slice's voxels, `x` fastest.
    fn logits(&self, found: &SliceMask) -> Result<Vec<f32>, EngineError> {
        let [width, height] = self.shape;
        Ok(found.logits(height, width)?.flatten_all()?.to_vec1()?)
    }
}

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        match device::is_out_of_memory(&error) {
            true => Self::OutOfMemory(error.to_string()),
            false => Self::Network(error.to_string()),
        }
    }
}
