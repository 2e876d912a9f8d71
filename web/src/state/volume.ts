// Fetches the stored image file and reads its voxels for the viewer.
import { imageUrl } from '../api/client';
import { isGzip, nrrdGzipStart, readVolumeFile, type VolumeFile } from '../core/volume_file';

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function fetchVolume(jobId: string, signal: AbortSignal): Promise<VolumeFile> {
  const response = await fetch(imageUrl(jobId), { signal });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const stored = new Uint8Array(await response.arrayBuffer());
  const file = isGzip(stored) ? await inflate(stored) : stored;
  const gzipStart = nrrdGzipStart(file);
  return gzipStart === null ? readVolumeFile(file) : readVolumeFile(file, await inflate(file.subarray(gzipStart)));
}
