import { expect, it } from 'vitest';
import { safeName, stemOf } from '../src/views/save_file';

it('files are called after the volume, without its ending', () => {
  expect(['ct.nii.gz', 'ct.nii', 'CT.NRRD', 'a.nii.b', 'Liver 3'].map(stemOf)).toEqual(['ct', 'ct', 'CT', 'a.nii.b', 'Liver 3']);
  expect(safeName('a/b:c')).toBe('a_b_c');
});
