// Label lists as files: what is written is read back; what is wrong is named with its place.
import { describe, expect, it } from 'vitest';
import type { Label } from '../src/api/types';
import { freeColor, freeValue, LabelFileError, normalLabel, readLabelFile, toItkSnap, toJson, withLabelSet } from '../src/core/label_file';

const LIVER: Label = {
  value: 1,
  name: 'Liver, "left" lobe',
  color: '#dd8265',
  visible: true,
  locked: true,
  opacity: 0.35,
  outline: true,
  anatomy: {
    category: { scheme: 'SCT', value: '123037004', meaning: 'Anatomical Structure' },
    kind: { scheme: 'SCT', value: '10200004', meaning: 'Liver' },
  },
};
const HIDDEN: Label = { value: 200, name: '종양', color: '#ff3b30', visible: false, locked: false };

function refusal(text: string): [string, number, string] {
  try {
    readLabelFile(text);
  } catch (cause) {
    if (cause instanceof LabelFileError) return [cause.reason, cause.line, cause.detail];
    throw cause;
  }
  throw new Error('was read');
}

describe('JSON', () => {
  it('keeps everything', () => {
    expect(readLabelFile(toJson([LIVER, HIDDEN]))).toEqual([LIVER, HIDDEN]);
  });

  it('may be a bare list, with only what must be there', () => {
    expect(readLabelFile('\ufeff [{"value": 3, "name": " Cyst ", "color": "#ABCDEF", "other": 1}]')).toEqual([
      { value: 3, name: 'Cyst', color: '#abcdef', visible: true, locked: false },
    ]);
  });

  it.each([
    ['{"labels": [{"value": 0, "name": "a", "color": "#000000"}]}', ['badField', 1, 'value']],
    ['[{"value": 1, "name": "a", "color": "#000000"}, {"value": 2, "color": "#000000"}]', ['badField', 2, 'name']],
    ['[{"value": 1, "name": "a", "color": "red"}]', ['badField', 1, 'color']],
    ['[{"value": 1, "name": "a", "color": "#000000", "opacity": 2}]', ['badField', 1, 'opacity']],
    ['[{"value": 1, "name": "a", "color": "#000000", "anatomy": {"kind": 1}}]', ['badField', 1, 'anatomy']],
    ['[{"value": 1, "name": "a", "color": "#000000"}, {"value": 1, "name": "b", "color": "#000000"}]', ['twice', 0, '1']],
    ['{"names": []}', ['noLabels', 0, '']],
    ['[]', ['noLabels', 0, '']],
  ] as const)('%s is refused', (text, expected) => {
    expect(refusal(text)).toEqual(expected);
  });

  it('that cannot be parsed says so', () => {
    expect(refusal('{"labels": [')[0]).toBe('notJson');
  });
});

describe('ITK-SNAP', () => {
  it('writes columns of the public format, the background first', () => {
    const lines = toItkSnap([HIDDEN, LIVER]).trimEnd().split('\n').filter((line) => !line.startsWith('#'));
    expect(lines.map((line) => line.trim().split(/\s+/).slice(0, 7).map(Number))).toEqual([
      [0, 0, 0, 0, 0, 0, 0],
      [1, 0xdd, 0x82, 0x65, 0.35, 1, 1],
      [200, 255, 0x3b, 0x30, 1, 0, 0],
    ]);
    expect(lines[1]).toContain(`"Liver, 'left' lobe"`);
  });

  it('keeps values, names, colours, opacity and visibility', () => {
    expect(readLabelFile(toItkSnap([LIVER, HIDDEN]))).toEqual([
      { value: 1, name: "Liver, 'left' lobe", color: '#dd8265', visible: true, locked: false, opacity: 0.35 },
      HIDDEN,
    ]);
  });

  it('reads a file as ITK-SNAP writes it', () => {
    const text = [
      '################################################',
      '# ITK-SnAP Label Description File',
      '################################################',
      '    0     0    0    0        0  0  0    "Clear Label"',
      '    1   255    0    0        1  1  1    "Label 1"',
      '    2     0  255    0     0.25  0  1    "Tumour core"',
    ].join('\r\n');
    expect(readLabelFile(text)).toEqual([
      { value: 1, name: 'Label 1', color: '#ff0000', visible: true, locked: false },
      { value: 2, name: 'Tumour core', color: '#00ff00', visible: false, locked: false, opacity: 0.25 },
    ]);
  });

  it.each([
    ['1 255 0 0 1 1 1 "a"\nnonsense', ['badLine', 2, 'nonsense']],
    ['# x\n1 256 0 0 1 1 1 "a"', ['badLine', 2, '1 256 0 0 1 1 1 "a"']],
    ['300 1 0 0 1 1 1 "a"', ['badLine', 1, '300 1 0 0 1 1 1 "a"']],
    ['1 1 0 0 1 1 1 ""', ['badLine', 1, '1 1 0 0 1 1 1 ""']],
    ['2 1 0 0 1 1 1 "a"\n2 1 0 0 1 1 1 "b"', ['twice', 0, '2']],
    ['# only words', ['noLabels', 0, '']],
    ['   \n', ['noLabels', 0, '']],
    ['GIF89a\0\0', ['notText', 0, '']],
  ] as const)('%j is refused', (text, expected) => {
    expect(refusal(text)).toEqual(expected);
  });
});

describe('a set applied to a job', () => {
  const plain = (value: number, name: string): Label => normalLabel({ value, name, color: '#111111' });

  it('renames what has the same value, adds the rest, drops what nobody uses', () => {
    const current = [{ ...plain(1, 'Object 1'), locked: true }, plain(2, 'Object 2'), plain(5, 'Object 5')];
    const set = [plain(1, 'Liver'), plain(3, 'Spleen')];
    expect(withLabelSet(current, set, new Set([1, 5]))).toEqual([
      { ...plain(1, 'Liver'), locked: true },
      plain(5, 'Object 5'),
      plain(3, 'Spleen'),
    ]);
  });

  it('a text without codes leaves the code of an object of that name, and of no other', () => {
    const text = toItkSnap([{ ...LIVER, name: 'liver' }, normalLabel({ value: 2, name: 'Spleen', color: '#00ff00' })]);
    const current = [{ ...LIVER, name: 'Liver' }, normalLabel({ ...LIVER, value: 2, name: 'Liver 2' })];
    expect(withLabelSet(current, readLabelFile(text), new Set([1, 2])).map((it) => it.anatomy?.kind.value)).toEqual(['10200004', undefined]);
  });
});

it('the next value is the smallest free one, the next colour one that no object has', () => {
  const label = (value: number, color: string): Label => normalLabel({ value, name: 'x', color });
  expect(freeValue([label(1, '#ff3b30'), label(3, '#ff3b30')])).toBe(2);
  expect(freeValue(Array.from({ length: 255 }, (_, at) => label(at + 1, '#ff3b30')))).toBeNull();
  expect(freeColor([label(1, '#ff3b30')], '#dd8265')).toBe('#dd8265');
  expect(freeColor([label(1, '#ff3b30'), label(2, '#DD8265')], '#dd8265')).not.toBe('#dd8265');
});
