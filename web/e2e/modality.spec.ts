// What made an image can be said on its page; what the server refuses is said in the page's language.
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { openFile } from './screen';
import { expect, test } from './server';

test.use({ viewport: { width: 1280, height: 720 } });

test('a case of unknown modality becomes MR, on its page and in the list', async ({ page, request }) => {
  await openFile(page, 'head.nii', writeNifti(bodyAs('RAS')));
  const id = page.url().split('/').at(-1) ?? '';
  await page.getByTestId('modality').selectOption('MR');
  await expect
    .poll(async () => ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { image: { modality: string } }).image.modality)
    .toBe('MR');
  await expect(page.getByTestId('modality')).toHaveValue('MR');
  await page.screenshot({ path: 'test-results/modality.png' });
  await page.reload();
  await expect(page.getByTestId('modality')).toHaveValue('MR');
  await page.goto('/');
  await expect(page.locator(`[data-job="${id}"]`)).toContainText('MR');
});

test.describe('in Korean', () => {
  test.use({ locale: 'ko-KR' });

  test('a file that is no volume is refused in Korean', async ({ page }) => {
    await page.goto('/');
    await page.getByTestId('file-input').setInputFiles({ name: 'note.nii', mimeType: 'text/plain', buffer: Buffer.from('this is only a note') });
    await expect(page.getByRole('alert')).toContainText('NIfTI나 NRRD 볼륨이 아닙니다');
  });
});
