// Anatomical names: found in three languages and by code, turned into codes and back.
import { describe, expect, it } from 'vitest';
import { anatomyOf, findTerms, STRUCTURES, structureOf, termsOf, type Side, type Structure } from '../src/core/anatomy';
import { en } from '../src/i18n/en';
import { ko } from '../src/i18n/ko';
import { zh } from '../src/i18n/zh';

function namesOf(structure: Structure, side: Side | null): string[] {
  return [en.anatomy, ko.anatomy, zh.anatomy].map((words) => {
    const name = words[structure.key];
    return side === null ? name : words[side].replace('{{name}}', name);
  });
}

const terms = termsOf(namesOf);

function found(typed: string): string[] {
  return findTerms(terms, typed).map((term) => `${term.structure.key}${term.side === null ? '' : `/${term.side}`}`);
}

describe('search', () => {
  it('finds the same organ in each language and by its code', () => {
    for (const typed of ['liver', ' LIVER ', '간', '肝', '10200004', '102000']) expect(found(typed)[0], typed).toBe('liver');
    for (const typed of ['neoplasm', '종양', '肿瘤', '108369006']) expect(found(typed)[0], typed).toBe('neoplasm');
  });

  it('puts the whole name before a beginning, a beginning before a part', () => {
    expect(found('lung').slice(0, 1)).toEqual(['lung']);
    expect(found('ventricle')).toEqual(['leftVentricle', 'rightVentricle', 'brainVentricle', 'brainVentricle/left', 'brainVentricle/right']);
    expect(found('신')[0]).toBe('kidney');
  });

  it('finds a side', () => {
    expect(found('left kidney')).toEqual(['kidney/left']);
    expect(found('좌측 신장')[0]).toBe('kidney/left');
    expect(found('右肾')[0]).toBe('kidney/right');
  });

  it('shows all where nothing was typed, and none where nothing fits', () => {
    expect(found('')).toHaveLength(terms.length);
    expect(found('xyzzy')).toEqual([]);
    expect(found('10200005')).toEqual([]);
  });
});

describe('codes', () => {
  it('are those that DICOM segmentations carry', () => {
    const neoplasm = terms.find((term) => term.structure.key === 'neoplasm')!;
    expect(anatomyOf(neoplasm)).toEqual({
      category: { scheme: 'SCT', value: '49755003', meaning: 'Morphologically Altered Structure' },
      kind: { scheme: 'SCT', value: '108369006', meaning: 'Neoplasm' },
    });
    const leftKidney = terms.find((term) => term.structure.key === 'kidney' && term.side === 'left')!;
    expect(anatomyOf(leftKidney)).toEqual({
      category: { scheme: 'SCT', value: '123037004', meaning: 'Anatomical Structure' },
      kind: { scheme: 'SCT', value: '64033007', meaning: 'Kidney' },
      laterality: { scheme: 'SCT', value: '7771000', meaning: 'Left' },
    });
  });

  it.each(terms.map((term) => [term.structure.key, term.side, term] as const))('%s %s comes back from its codes', (key, side, term) => {
    const back = structureOf(anatomyOf(term));
    expect([back?.structure.key, back?.side]).toEqual([key, side]);
  });

  it('foreign codes are nobody’s', () => {
    const category = { scheme: 'SCT', value: '123037004', meaning: 'Anatomical Structure' };
    expect(structureOf({ category, kind: { scheme: 'DCM', value: '10200004', meaning: 'Liver' } })).toBeNull();
  });

  it('occur once, and every colour is one', () => {
    expect(new Set(STRUCTURES.map(({ code }) => code)).size).toBe(STRUCTURES.length);
    for (const { color, meaning, code } of STRUCTURES) {
      expect(color).toMatch(/^#[0-9a-f]{6}$/);
      expect(code).toMatch(/^\d{7,9}$/);
      expect(meaning.length).toBeLessThanOrEqual(64);
    }
  });
});
