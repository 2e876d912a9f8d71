//! Voxel values in the type that the file stores.

use std::fmt;

use bytemuck::Pod;

/// The scalar types that images may store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VoxelType {
    /// Signed 8 bits.
    I8,
    /// Unsigned 8 bits.
    U8,
    /// Signed 16 bits.
    I16,
    /// Unsigned 16 bits.
    U16,
    /// Signed 32 bits.
    I32,
    /// Unsigned 32 bits.
    U32,
    /// Signed 64 bits.
    I64,
    /// Unsigned 64 bits.
    U64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

impl VoxelType {
    /// Bytes of one voxel.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The name of the type as numpy spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }
}

impl fmt::Display for VoxelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar type that images may store.
pub trait Voxel: Pod + PartialOrd + Send + Sync {
    /// Its name among the voxel types.
    const TYPE: VoxelType;

    /// The value as a double; 64-bit integers are rounded to 53 bits.
    fn to_f64(self) -> f64;

    /// The value with its bytes in reverse order.
    #[must_use]
    fn swapped(self) -> Self;

    /// Wraps a vector of this type.
    fn wrap(voxels: Vec<Self>) -> Voxels;
}

macro_rules! voxel_types {
    ($($variant:ident $scalar:ty, $swapped:expr;)*) => {
        /// The voxels of a volume in their stored type, `i` fastest, before slope and intercept.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Voxels {
            $(
                #[doc = concat!("Voxels of type `", stringify!($scalar), "`.")]
                $variant(Vec<$scalar>),
            )*
        }

        impl Voxels {
            /// The stored type.
            #[must_use]
            pub fn voxel_type(&self) -> VoxelType {
                match self { $(Self::$variant(_) => VoxelType::$variant,)* }
            }

            /// Number of voxels.
            #[must_use]
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(it) => it.len(),)* }
            }

            /// The voxels' bytes in the machine's byte order.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                match self { $(Self::$variant(it) => bytemuck::cast_slice(it),)* }
            }

            /// The stored value at a linear index.
            ///
            /// # Panics
            /// If the index is past the end.
            #[must_use]
            pub fn get(&self, index: usize) -> f64 {
                match self { $(Self::$variant(it) => it[index].to_f64(),)* }
            }
        }

        $(
            impl Voxel for $scalar {
                const TYPE: VoxelType = VoxelType::$variant;

                #[expect(
                    clippy::allow_attributes,
                    reason = "one line for all types: f64 itself needs no cast"
                )]
                #[allow(trivial_numeric_casts, clippy::unnecessary_cast, reason = "f64 to f64")]
                fn to_f64(self) -> f64 {
                    self as f64
                }

                fn swapped(self) -> Self {
                    let swapped: fn($scalar) -> $scalar = $swapped;
                    swapped(self)
                }

                fn wrap(voxels: Vec<Self>) -> Voxels {
                    Voxels::$variant(voxels)
                }
            }
        )*
    };
}

voxel_types! {
    I8 i8, |it| it;
    U8 u8, |it| it;
    I16 i16, i16::swap_bytes;
    U16 u16, u16::swap_bytes;
    I32 i32, i32::swap_bytes;
    U32 u32, u32::swap_bytes;
    I64 i64, i64::swap_bytes;
    U64 u64, u64::swap_bytes;
    F32 f32, |it| f32::from_bits(it.to_bits().swap_bytes());
    F64 f64, |it| f64::from_bits(it.to_bits().swap_bytes());
}

impl Voxels {
    /// Whether there are no voxels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Runs one expression for the vector inside, whatever its type.
macro_rules! with_voxels {
    ($voxels:expr, $it:ident => $body:expr) => {
        match $voxels {
            $crate::Voxels::I8($it) => $body,
            $crate::Voxels::U8($it) => $body,
            $crate::Voxels::I16($it) => $body,
            $crate::Voxels::U16($it) => $body,
            $crate::Voxels::I32($it) => $body,
            $crate::Voxels::U32($it) => $body,
            $crate::Voxels::I64($it) => $body,
            $crate::Voxels::U64($it) => $body,
            $crate::Voxels::F32($it) => $body,
            $crate::Voxels::F64($it) => $body,
        }
    };
}

/// Runs one expression for the scalar type of that name, bound to a type parameter.
macro_rules! with_voxel_type {
    ($voxel_type:expr, $scalar:ident => $body:expr) => {
        match $voxel_type {
            $crate::VoxelType::I8 => {
                type $scalar = i8;
                $body
            }
            $crate::VoxelType::U8 => {
                type $scalar = u8;
                $body
            }
            $crate::VoxelType::I16 => {
                type $scalar = i16;
                $body
            }
            $crate::VoxelType::U16 => {
                type $scalar = u16;
                $body
            }
            $crate::VoxelType::I32 => {
                type $scalar = i32;
                $body
            }
            $crate::VoxelType::U32 => {
                type $scalar = u32;
                $body
            }
            $crate::VoxelType::I64 => {
                type $scalar = i64;
                $body
            }
            $crate::VoxelType::U64 => {
                type $scalar = u64;
                $body
            }
            $crate::VoxelType::F32 => {
                type $scalar = f32;
                $body
            }
            $crate::VoxelType::F64 => {
                type $scalar = f64;
                $body
            }
        }
    };
}

pub(crate) use {with_voxel_type, with_voxels};

#[cfg(test)]
mod tests {
    use super::{Voxel, Voxels};

    #[test]
    fn swapping_reverses_the_bytes() {
        assert_eq!(0x0102_i16.swapped(), 0x0201);
        assert_eq!(f32::from_bits(0x0000_803f).swapped(), 1.0);
        assert_eq!(f64::from_bits(0xf03f).swapped(), 1.0);
    }

    #[test]
    fn bytes_are_those_of_the_stored_type() {
        let voxels = Voxels::U16(vec![1, 2, 3]);
        assert_eq!(voxels.as_bytes().len(), 6);
        assert_eq!(voxels.get(2), 3.0);
        assert_eq!(voxels.voxel_type().name(), "uint16");
    }
}
