// Files of many kinds: voxel types, byte order, one slice, several frames. All are shown, and read out right.
import { writeNifti } from './nifti';
import { bodyAs, intensityAt, LESION, RAS_SHAPE } from './phantom';
import { colourAt, openFile, placeOf, viewerReady } from './screen';
import { expect, test } from './server';

type Writer = (view: DataView, at: number, value: number) => void;

const TYPES: readonly (readonly [name: string, code: number, bytes: number, write: Writer])[] = [
  ['int8', 256, 1, (view, at, value) => { view.setInt8(at, value); }],
  ['uint16', 512, 2, (view, at, value) => { view.setUint16(at, value, true); }],
  ['int32', 8, 4, (view, at, value) => { view.setInt32(at, value, true); }],
  ['uint32', 768, 4, (view, at, value) => { view.setUint32(at, value, true); }],
  ['float32', 16, 4, (view, at, value) => { view.setFloat32(at, value, true); }],
  ['float64', 64, 8, (view, at, value) => { view.setFloat64(at, value, true); }],
  ['int64', 1024, 8, (view, at, value) => { view.setBigInt64(at, BigInt(value), true); }],
];

const SPACE = { x: RAS_SHAPE[0], y: RAS_SHAPE[1], z: RAS_SHAPE[2] };

/** The body with intensities 0–100 in another voxel type. */
function bodyOfType(code: number, bytes: number, write: Writer): Buffer {
  const header = Buffer.from(writeNifti(bodyAs('RAS')).subarray(0, 352));
  header.writeInt16LE(code, 70);
  header.writeInt16LE(8 * bytes, 72);
  const voxels = Buffer.alloc(SPACE.x * SPACE.y * SPACE.z * bytes);
  const view = new DataView(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  let at = 0;
  for (let s = 0; s < SPACE.z; s++) {
    for (let a = 0; a < SPACE.y; a++) {
      for (let r = 0; r < SPACE.x; r++) {
        write(view, at, intensityAt([r, a, s]) > 90 ? 100 : 0);
        at += bytes;
      }
    }
  }
  return Buffer.concat([header, voxels]);
}

test('every voxel type is shown and read out', async ({ page }) => {
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.message));
  for (const [name, code, bytes, write] of TYPES) {
    await openFile(page, `${name}.nii`, bodyOfType(code, bytes, write));
    const inside = await placeOf(page, 'axial', [LESION.centre[0] - 3, LESION.centre[1] - 3, 20]);
    const outside = await placeOf(page, 'axial', [10, 10, 20]);
    await page.mouse.move(inside.x, inside.y);
    await expect(page.getByTestId('readout-intensity'), name).toHaveText('100');
    await expect.poll(async () => (await colourAt(page, inside))[0], name).toBeGreaterThan(200);
    expect((await colourAt(page, outside))[0], name).toBeLessThan(40);
  }
  expect(failures).toEqual([]);
});

test('a single slice and an image of several frames are opened', async ({ page }) => {
  const body = bodyAs('RAS');
  const oneSlice = { ...body, shape: [72, 60, 1] as const, voxels: body.voxels.slice(20 * 72 * 60, 21 * 72 * 60) };
  await openFile(page, 'one.nii', writeNifti(oneSlice));
  await expect(page.getByTestId('slice-axial')).toHaveText('0 / 0');
  await page.getByTestId('overlay').press('ArrowUp');
  await expect(page.getByTestId('slice-axial')).toHaveText('0 / 0');
  await page.getByTestId('overlay').press('4');
  await viewerReady(page);
  await page.getByTestId('overlay').press('1');

  const one = writeNifti(body);
  const header = Buffer.from(one.subarray(0, 352));
  header.writeInt16LE(4, 40);
  header.writeInt16LE(2, 48);
  await openFile(page, 'frames.nii', Buffer.concat([header, one.subarray(352), one.subarray(352)]));
  const inside = await placeOf(page, 'axial', LESION.centre);
  await page.mouse.move(inside.x, inside.y);
  await expect(page.getByTestId('readout-intensity')).toHaveText(String(intensityAt(LESION.centre)));
});
