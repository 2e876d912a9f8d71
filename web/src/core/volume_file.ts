// Voxels of an image file for display: NIfTI-1/2 and NRRD (attached header), gzip undone by the caller.
// Geometry is the server's word (see grid.ts); here only the voxels are read.
import type { Vec3 } from './axes';

export type VoxelArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Voxels of one frame as stored, i fastest; intensity = slope · voxel + intercept. */
export interface DisplayVolume {
  readonly shape: Vec3;
  readonly voxels: VoxelArray;
  readonly slope: number;
  readonly intercept: number;
}

/** An image file: its frames are read when they are asked for. */
export interface VolumeFile {
  /** 1 for a plain volume. */
  readonly nFrames: number;
  readonly frame: (index: number) => DisplayVolume;
}

export class VolumeFileError extends Error {}

type VoxelType = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64' | 'f32' | 'f64';

const BYTES: Readonly<Record<VoxelType, number>> = {
  i8: 1, u8: 1, i16: 2, u16: 2, i32: 4, u32: 4, f32: 4, i64: 8, u64: 8, f64: 8,
};

const NIFTI_TYPES: Readonly<Record<number, VoxelType>> = {
  2: 'u8', 4: 'i16', 8: 'i32', 16: 'f32', 64: 'f64', 256: 'i8', 512: 'u16', 768: 'u32', 1024: 'i64', 1280: 'u64',
};

const NRRD_TYPES: Readonly<Record<string, VoxelType>> = {
  'signed char': 'i8', int8: 'i8', int8_t: 'i8',
  uchar: 'u8', 'unsigned char': 'u8', uint8: 'u8', uint8_t: 'u8',
  short: 'i16', 'short int': 'i16', 'signed short': 'i16', 'signed short int': 'i16', int16: 'i16', int16_t: 'i16',
  ushort: 'u16', 'unsigned short': 'u16', 'unsigned short int': 'u16', uint16: 'u16', uint16_t: 'u16',
  int: 'i32', 'signed int': 'i32', int32: 'i32', int32_t: 'i32',
  uint: 'u32', 'unsigned int': 'u32', uint32: 'u32', uint32_t: 'u32',
  longlong: 'i64', 'long long': 'i64', 'long long int': 'i64', 'signed long long': 'i64', int64: 'i64', int64_t: 'i64',
  ulonglong: 'u64', 'unsigned long long': 'u64', uint64: 'u64', uint64_t: 'u64',
  float: 'f32', double: 'f64',
};

interface RawVoxels {
  readonly bytes: Uint8Array;
  readonly type: VoxelType;
  readonly littleEndian: boolean;
  readonly nVoxels: number;
}

function littleEndianCopy(raw: RawVoxels): Uint8Array {
  const size = BYTES[raw.type];
  const copy = raw.bytes.slice(0, raw.nVoxels * size);
  if (!raw.littleEndian && size > 1) {
    for (let start = 0; start < copy.length; start += size) copy.subarray(start, start + size).reverse();
  }
  return copy;
}

function typedVoxels(raw: RawVoxels): VoxelArray {
  if (raw.bytes.length < raw.nVoxels * BYTES[raw.type]) throw new VolumeFileError('the file is truncated');
  const buffer = littleEndianCopy(raw).buffer as ArrayBuffer;
  switch (raw.type) {
    case 'i8':
      return new Int8Array(buffer);
    case 'u8':
      return new Uint8Array(buffer);
    case 'i16':
      return new Int16Array(buffer);
    case 'u16':
      return new Uint16Array(buffer);
    case 'i32':
      return new Int32Array(buffer);
    case 'u32':
      return new Uint32Array(buffer);
    case 'f32':
      return new Float32Array(buffer);
    case 'f64':
      return new Float64Array(buffer);
    case 'i64':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case 'u64':
      return Float64Array.from(new BigUint64Array(buffer), Number);
  }
}

/** Whether bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The offset of an NRRD's data, and its header's fields by lower-case name; null for another file. */
function nrrdHeader(bytes: Uint8Array): { fields: ReadonlyMap<string, string>; dataStart: number } | null {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 65536));
  if (!head.startsWith('NRRD')) return null;
  const end = /\r?\n\r?\n/.exec(head);
  if (end === null) throw new VolumeFileError('the NRRD header has no end');
  const fields = new Map<string, string>();
  for (const line of head.slice(0, end.index).split(/\r?\n/)) {
    const field = /^([^#:]+): ?(.*)$/.exec(line);
    if (field?.[1] !== undefined && field[2] !== undefined) fields.set(field[1].trim().toLowerCase(), field[2].trim());
  }
  return { fields, dataStart: end.index + end[0].length };
}

/** Where the compressed part of an NRRD with `encoding: gzip` begins; null for any other file. */
export function nrrdGzipStart(bytes: Uint8Array): number | null {
  const header = nrrdHeader(bytes);
  const encoding = header?.fields.get('encoding');
  return header !== null && (encoding === 'gzip' || encoding === 'gz') ? header.dataStart : null;
}

/** The frame of a list of frames, one after the other. */
function frameOf(raw: RawVoxels, index: number): VoxelArray {
  const size = raw.nVoxels * BYTES[raw.type];
  return typedVoxels({ ...raw, bytes: raw.bytes.subarray(index * size) });
}

/** A frame whose voxels lie between those of the others: frame fastest. */
function interleavedFrame(raw: RawVoxels, nFrames: number, index: number): VoxelArray {
  const size = BYTES[raw.type];
  if (raw.bytes.length < raw.nVoxels * nFrames * size) throw new VolumeFileError('the file is truncated');
  const bytes = new Uint8Array(raw.nVoxels * size);
  for (let voxel = 0; voxel < raw.nVoxels; voxel++) {
    const from = (voxel * nFrames + index) * size;
    bytes.set(raw.bytes.subarray(from, from + size), voxel * size);
  }
  return typedVoxels({ ...raw, bytes });
}

/** Which axes of an NRRD are the image's: those with a direction, else those whose kind says so, else the first three. */
function spatialAxes(fields: ReadonlyMap<string, string>, nAxes: number): readonly number[] {
  const all = Array.from({ length: nAxes }, (_, axis) => axis);
  const directions = fields.get('space directions')?.match(/none|\([^)]*\)/gi) ?? [];
  if (directions.length === nAxes) return all.filter((axis) => directions[axis]?.toLowerCase() !== 'none');
  const kinds = (fields.get('kinds') ?? '').split(/\s+/);
  const spatial = kinds.length === nAxes ? all.filter((axis) => /^(domain|space|\?\?\?|none)$/.test(kinds[axis] ?? '')) : all;
  return spatial.slice(0, 3);
}

function readNrrd(fields: ReadonlyMap<string, string>, data: Uint8Array): VolumeFile {
  const type = NRRD_TYPES[fields.get('type') ?? ''];
  if (type === undefined) throw new VolumeFileError(`NRRD type ${fields.get('type') ?? ''} is not known`);
  const sizes = (fields.get('sizes') ?? '').split(/\s+/).map(Number);
  const spatial = spatialAxes(fields, sizes.length);
  const [ni = 0, nj = 0, nk = 1] = spatial.map((axis) => sizes[axis] ?? 0);
  const nFrames = sizes.filter((_, axis) => !spatial.includes(axis)).reduce((product, size) => product * size, 1);
  const raw: RawVoxels = { bytes: data, type, littleEndian: (fields.get('endian') ?? 'little') !== 'big', nVoxels: ni * nj * nk };
  if (!(raw.nVoxels > 0)) throw new VolumeFileError('NRRD sizes are not valid');
  const isInterleaved = !spatial.includes(0);
  return {
    nFrames,
    frame: (index) => ({
      shape: [ni, nj, nk],
      voxels: isInterleaved ? interleavedFrame(raw, nFrames, index) : frameOf(raw, index),
      slope: 1,
      intercept: 0,
    }),
  };
}

interface NiftiLayout {
  readonly littleEndian: boolean;
  readonly version: 1 | 2;
}

function niftiLayout(view: DataView): NiftiLayout | null {
  for (const littleEndian of [true, false]) {
    const size = view.getInt32(0, littleEndian);
    if (size === 348) return { littleEndian, version: 1 };
    if (size === 540) return { littleEndian, version: 2 };
  }
  return null;
}

function readNifti(bytes: Uint8Array): VolumeFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layout = bytes.length >= 348 ? niftiLayout(view) : null;
  if (layout === null) throw new VolumeFileError('neither NIfTI nor NRRD');
  const { littleEndian, version } = layout;
  const dim = (index: number): number =>
    version === 1
      ? view.getInt16(40 + 2 * index, littleEndian)
      : Number(view.getBigInt64(16 + 8 * index, littleEndian));
  const size = (index: number): number => (dim(0) >= index ? Math.max(dim(index), 1) : 1);
  const shape: Vec3 = [size(1), size(2), size(3)];
  const code = view.getInt16(version === 1 ? 70 : 12, littleEndian);
  const type = NIFTI_TYPES[code];
  if (type === undefined) throw new VolumeFileError(`NIfTI datatype ${code} is not known`);
  const offset =
    version === 1 ? view.getFloat32(108, littleEndian) : Number(view.getBigInt64(168, littleEndian));
  const scale = (at1: number, at2: number): number =>
    version === 1 ? view.getFloat32(at1, littleEndian) : view.getFloat64(at2, littleEndian);
  const [slope, intercept] = [scale(112, 176), scale(116, 184)];
  const isScaled = Number.isFinite(slope) && slope !== 0;
  const raw: RawVoxels = {
    bytes: bytes.subarray(Math.max(offset, version === 1 ? 348 : 540)),
    type,
    littleEndian,
    nVoxels: shape[0] * shape[1] * shape[2],
  };
  return {
    nFrames: size(4) * size(5) * size(6) * size(7),
    frame: (index) => ({
      shape,
      voxels: frameOf(raw, index),
      slope: isScaled ? slope : 1,
      intercept: isScaled && Number.isFinite(intercept) ? intercept : 0,
    }),
  };
}

/** Reads an image file whose gzip, if any, is already undone; `nrrdData` is the inflated part of a gzip NRRD. */
export function readVolumeFile(bytes: Uint8Array, nrrdData?: Uint8Array): VolumeFile {
  const header = nrrdHeader(bytes);
  if (header === null) return readNifti(bytes);
  return readNrrd(header.fields, nrrdData ?? bytes.subarray(header.dataStart));
}

/** Intensity at an index into the voxels. */
export function intensityAt(volume: DisplayVolume, offset: number): number {
  return (volume.voxels[offset] ?? Number.NaN) * volume.slope + volume.intercept;
}
