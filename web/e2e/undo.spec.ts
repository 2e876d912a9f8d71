// Undo across prompts and engines: adjustments as one step, and answers that nobody waits for any more.
import type { Page } from '@playwright/test';
import { beat, call, claim, fail } from './agent';
import { finish } from './agent_masks';
import { jobOf, nextMask } from './masks';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { boxNumbers, colourAt, drag, dragLesion, openFile, placeOf } from './screen';
import { expect, test, withoutAgent, type Server } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const SLICE = 20;

async function revisionsOf(page: Page, job: string): Promise<{ revision_id: string; action: string }[]> {
  const answer = await page.request.get(`/api/v1/jobs/${job}/revisions`);
  return ((await answer.json()) as { revisions: { revision_id: string; action: string }[] }).revisions;
}

async function press(page: Page, key: string): Promise<void> {
  await page.getByTestId('overlay').press(key);
}

test('adjustments of one box are one undo and one redo; a mark more is a step of its own', async ({ page, request }) => {
  const job = await openFile(page, 'fold.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await nextMask(request, job, null);
  let { head } = await jobOf(request, job);
  for (const value of [33, 35]) {
    await page.getByTestId('box-x1').fill(String(value));
    await page.getByTestId('box-x1').press('Enter');
    await nextMask(request, job, head);
    head = (await jobOf(request, job)).head;
  }
  await expect(page.getByTestId('thinking')).toHaveCount(0);
  const adjusted = head;
  expect((await revisionsOf(page, job)).map(({ action }) => action)).toEqual(['segment_slice', 'segment_slice', 'segment_slice']);
  await press(page, 'p');
  const centre = await placeOf(page, 'axial', [44, 30, SLICE]);
  await page.mouse.click(centre.x, centre.y);
  await nextMask(request, job, head);
  await expect(page.getByTestId('thinking')).toHaveCount(0);
  const headIs = (wanted: string | null): Promise<void> => expect.poll(async () => (await jobOf(request, job)).head).toBe(wanted);
  const pointed = (await jobOf(request, job)).head;

  await press(page, 'Control+z');
  await headIs(adjusted);
  await expect(page.getByTestId('box-x1')).toHaveValue('35');
  await press(page, 'Control+z');
  await headIs(null);
  await expect(page.getByTestId('prompt-row')).toHaveCount(0);
  await expect(page.getByTestId('undo')).toBeDisabled();
  await press(page, 'Control+y');
  await headIs(adjusted);
  await expect(page.getByTestId('box-x1')).toHaveValue('35');
  await press(page, 'Control+y');
  await headIs(pointed);
});

test.describe('with an agent by hand', () => {
  withoutAgent();

  async function taskOf(server: Server, id: string): Promise<{ state: string; cancel_requested: boolean }> {
    return call(server, 'GET', `/api/v1/tasks/${id}`);
  }

  test('undo while an engine is at work takes the prompt back and stops it; its late answer changes nothing', async ({ page, request, server }) => {
    const job = await openFile(page, 'late.nii', BODY);
    await dragLesion(page, 'axial', 1);
    const lease = await claim(server);
    await expect(page.getByTestId('thinking')).toBeVisible();
    await page.getByTestId('undo').click();
    await expect(page.getByTestId('prompt-row')).toHaveCount(0);
    await expect(page.getByTestId('thinking')).toHaveCount(0);
    await expect.poll(async () => (await taskOf(server, lease.task_id)).cancel_requested).toBe(true);
    await expect.poll(async () => (await jobOf(request, job)).prompts).toEqual([]);
    // The agent was done before it heard.
    await finish(server, lease, [SLICE], null);
    await expect.poll(async () => (await taskOf(server, lease.task_id)).state).toBe('cancelled');
    expect(await revisionsOf(page, job)).toEqual([]);
    expect(await jobOf(request, job)).toMatchObject({ prompts: [] });
    expect((await jobOf(request, job)).head ?? null).toBeNull();
    await expect(page.getByTestId('volume-1')).toHaveCount(0);
    const inside = await placeOf(page, 'axial', [42, 28, SLICE]);
    const [red, green] = await colourAt(page, inside);
    expect(red - green).toBe(0);
    await expect(page.getByTestId('undo')).toBeDisabled();
    await expect(page.getByTestId('redo')).toBeDisabled();
  });

  test('undo of a change that waits for the engine brings the prompt before it back, and the mask stays', async ({ page, request, server }) => {
    const job = await openFile(page, 'waiting.nii', BODY);
    await dragLesion(page, 'axial', 1);
    await finish(server, await claim(server), [SLICE], null);
    await nextMask(request, job, null);
    await expect(page.getByTestId('thinking')).toHaveCount(0);
    const before = await boxNumbers(page);
    const { head } = await jobOf(request, job);
    // A corner that is dragged in two moves: the state before the drag comes back, not one on its way.
    const [x1 = 0, , , y2 = 0] = before;
    await drag(page, await placeOf(page, 'axial', [x1 - 0.5, y2 + 0.5, SLICE]), await placeOf(page, 'axial', [x1 - 6.5, y2 + 6.5, SLICE]));
    expect(await boxNumbers(page)).toEqual([x1 - 6, before[1], before[2], y2 + 6]);
    await expect.poll(async () => (await jobOf(request, job)).task?.kind).toBe('segment_slice');
    const { task } = await jobOf(request, job);
    await press(page, 'Control+z');
    await expect.poll(async () => (await taskOf(server, task?.task_id ?? '')).state).toBe('cancelled');
    expect(await boxNumbers(page)).toEqual(before);
    await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.box).toEqual(before);
    expect((await jobOf(request, job)).head).toBe(head);
    // The next one takes the first box and its mask.
    await press(page, 'Control+z');
    await expect.poll(async () => (await jobOf(request, job)).head).toBeNull();
    await expect(page.getByTestId('prompt-row')).toHaveCount(0);
  });

  test('nothing is painted or undone under a running propagation, and the way out is told', async ({ page, request, server }) => {
    const job = await openFile(page, 'busy.nii', BODY);
    await dragLesion(page, 'axial', 1);
    await finish(server, await claim(server), [SLICE], null);
    await nextMask(request, job, null);
    await expect(page.getByTestId('propagate')).toBeEnabled();
    await press(page, 'Shift+Enter');
    const lease = await claim(server);
    await beat(server, lease, 1, 10);
    await expect(page.getByTestId('running')).toBeVisible();
    const { head } = await jobOf(request, job);
    await page.getByTestId('tool-brush').click();
    const place = await placeOf(page, 'axial', [20, 30, SLICE]);
    await page.mouse.click(place.x, place.y);
    await expect(page.getByText('A propagation is running. Stop it first, or wait until it is done.')).toBeVisible();
    await press(page, 'Control+z');
    await fail(server, lease);
    await expect(page.getByTestId('running')).toHaveCount(0);
    expect((await jobOf(request, job)).head).toBe(head);
  });
});
