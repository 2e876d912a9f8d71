//! Values of a configuration of which the network supports one only; another is refused where it stands.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// A switch with one supported position.
pub(super) struct Only<const VALUE: bool>;

impl<'de, const VALUE: bool> Deserialize<'de> for Only<VALUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? == VALUE {
            return Ok(Self);
        }
        Err(D::Error::custom(format!("{} is not supported, only {VALUE}", !VALUE)))
    }
}

impl<const VALUE: bool> Default for Only<VALUE> {
    fn default() -> Self {
        Self
    }
}

/// A number with one supported value.
pub(super) struct Is<const VALUE: i64>;

impl<'de, const VALUE: i64> Deserialize<'de> for Is<VALUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = serde_json::Number::deserialize(deserializer)?;
        // A file may write 2 as 2.0.
        if found.as_i64() == Some(VALUE) || found.to_string() == format!("{VALUE}.0") {
            return Ok(Self);
        }
        Err(D::Error::custom(format!("{found} is not supported, only {VALUE}")))
    }
}

impl<const VALUE: i64> Default for Is<VALUE> {
    fn default() -> Self {
        Self
    }
}

/// A value that must be `null`.
#[derive(Default)]
pub(super) struct Null;

impl<'de> Deserialize<'de> for Null {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<serde_json::Value>::deserialize(deserializer)? {
            None => Ok(Self),
            Some(found) => Err(D::Error::custom(format!("{found} is not supported, only null"))),
        }
    }
}

/// Declares types that read one string each.
macro_rules! names {
    ($($name:ident: $text:literal;)+) => {$(
        #[derive(Deserialize)]
        pub(super) enum $name { #[serde(rename = $text)] Known }
    )+};
}

names! {
    Sam2Target: "sam2.modeling.sam2_base.SAM2Base";
    EncoderTarget: "sam2.modeling.backbones.image_encoder.ImageEncoder";
    HieraTarget: "sam2.modeling.backbones.hieradet.Hiera";
    NeckTarget: "sam2.modeling.backbones.image_encoder.FpnNeck";
    SineTarget: "sam2.modeling.position_encoding.PositionEmbeddingSine";
    MemoryAttentionTarget: "sam2.modeling.memory_attention.MemoryAttention";
    LayerTarget: "sam2.modeling.memory_attention.MemoryAttentionLayer";
    RopeTarget: "sam2.modeling.sam.transformer.RoPEAttention";
    MemoryEncoderTarget: "sam2.modeling.memory_encoder.MemoryEncoder";
    DownSamplerTarget: "sam2.modeling.memory_encoder.MaskDownSampler";
    FuserTarget: "sam2.modeling.memory_encoder.Fuser";
    BlockTarget: "sam2.modeling.memory_encoder.CXBlock";
    Relu: "relu";
    Nearest: "nearest";
}
