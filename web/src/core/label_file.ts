// Label lists as files: our JSON, and the label description text that ITK-SNAP reads and writes.
import type { Anatomy, Code, Label } from '../api/types';
import { nextLabelColor } from './palette';

/** Why a file is not a list of labels: a word of the area `labels`, and what belongs into it. */
export class LabelFileError extends Error {
  readonly reason: 'notText' | 'notJson' | 'noLabels' | 'badLine' | 'badField' | 'twice' | 'tooMany';
  /** Line of a text file, from 1, or place in a list, from 1. */
  readonly line: number;
  readonly detail: string;

  constructor(reason: LabelFileError['reason'], line = 0, detail = '') {
    super(`${reason} ${line} ${detail}`.trim());
    this.reason = reason;
    this.line = line;
    this.detail = detail;
  }
}

const FORMAT = 'voxloop-labels';
const MAX_NAME = 200;
const MAX_TEXT = 1_000_000;

/** A label with every field that it may have, in the server's order. */
export function normalLabel(label: Label): Label {
  const { value, name, color, visible = true, locked = false, opacity, outline, anatomy } = label;
  return {
    value,
    name,
    color: color.toLowerCase(),
    visible,
    locked,
    ...(typeof opacity === 'number' ? { opacity } : {}),
    ...(typeof outline === 'boolean' ? { outline } : {}),
    ...(anatomy ? { anatomy } : {}),
  };
}

export function toJson(labels: readonly Label[]): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, labels: labels.map(normalLabel) }, null, 2)}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checked<T>(fields: Fields, name: string, at: number, isRight: (value: unknown) => value is T): T {
  const value = fields[name];
  if (!isRight(value)) throw new LabelFileError('badField', at, name);
  return value;
}

function optional<T>(fields: Fields, name: string, at: number, isRight: (value: unknown) => value is T): T | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : checked(fields, name, at, isRight);
}

const isValue = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 255;
const isName = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '' && value.length <= MAX_NAME;
const isColor = (value: unknown): value is string => typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value);
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;
const isCode = (value: unknown): value is Code =>
  isFields(value) &&
  typeof value.scheme === 'string' &&
  typeof value.value === 'string' &&
  /^[0-9A-Za-z.-]{1,16}$/.test(value.value) &&
  typeof value.meaning === 'string';
const isAnatomy = (value: unknown): value is Anatomy =>
  isFields(value) &&
  isCode(value.category) &&
  isCode(value.kind) &&
  (value.laterality === undefined || value.laterality === null || isCode(value.laterality));

function codeOf({ scheme, value, meaning }: Code): Code {
  return { scheme, value, meaning };
}

function anatomyFrom({ category, kind, laterality }: Anatomy): Anatomy {
  return { category: codeOf(category), kind: codeOf(kind), ...(laterality ? { laterality: codeOf(laterality) } : {}) };
}

function labelFrom(entry: unknown, at: number): Label {
  if (!isFields(entry)) throw new LabelFileError('badField', at, 'labels');
  const anatomy = optional(entry, 'anatomy', at, isAnatomy);
  const opacity = optional(entry, 'opacity', at, isShare);
  const outline = optional(entry, 'outline', at, isFlag);
  return normalLabel({
    value: checked(entry, 'value', at, isValue),
    name: checked(entry, 'name', at, isName).trim(),
    color: checked(entry, 'color', at, isColor),
    visible: optional(entry, 'visible', at, isFlag) ?? true,
    locked: optional(entry, 'locked', at, isFlag) ?? false,
    ...(opacity === undefined ? {} : { opacity }),
    ...(outline === undefined ? {} : { outline }),
    ...(anatomy === undefined ? {} : { anatomy: anatomyFrom(anatomy) }),
  });
}

function fromJson(text: string): Label[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new LabelFileError('notJson', 0, cause instanceof Error ? cause.message : '');
  }
  const entries = Array.isArray(parsed) ? (parsed as unknown[]) : isFields(parsed) ? parsed.labels : undefined;
  if (!Array.isArray(entries)) throw new LabelFileError('noLabels');
  return (entries as unknown[]).map((entry, at) => labelFrom(entry, at + 1));
}

const HEADER = [
  '################################################',
  '# ITK-SnAP Label Description File',
  '# Columns: index, red, green, blue (0-255), opacity (0-1), visible (0 or 1), mesh visible (0 or 1), "name"',
  '################################################',
];

function column(value: string | number, width: number): string {
  return String(value).padStart(width);
}

/** Label descriptions as ITK-SNAP reads them. Codes and locks have no place in that format. */
export function toItkSnap(labels: readonly Label[]): string {
  const line = (value: number, rgb: readonly number[], opacity: number, visible: boolean, name: string): string =>
    [
      column(value, 5),
      ...rgb.map((part) => column(part, 5)),
      column(Number(opacity.toFixed(3)), 8),
      column(visible ? 1 : 0, 2),
      column(visible ? 1 : 0, 2),
      `   "${name.replaceAll('"', "'").replaceAll(/[\r\n]+/g, ' ')}"`,
    ].join(' ');
  const rows = [...labels]
    .sort((a, b) => a.value - b.value)
    .map(({ value, color, opacity, visible, name }) => line(value, rgb(color), opacity ?? 1, visible ?? true, name));
  return [...HEADER, line(0, [0, 0, 0], 0, false, 'Clear Label'), ...rows, ''].join('\n');
}

function rgb(color: string): number[] {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+([\d.]+(?:[eE][-+]?\d+)?)\s+([01])\s+([01])\s+"(.*)"\s*$/;

/** A label of one line; null for the background. */
function labelOfLine(line: string, number: number): Label | null {
  const wrong = new LabelFileError('badLine', number, line.trim().slice(0, 60));
  const parts = LINE.exec(line);
  if (parts === null) throw wrong;
  const [value = 0, red = 0, green = 0, blue = 0, opacity = 1, visible = 1] = parts.slice(1, 7).map(Number);
  if (value === 0) return null;
  const name = (parts[8] ?? '').trim();
  const isRight = isValue(value) && Math.max(red, green, blue) <= 255 && isShare(opacity) && isName(name);
  if (!isRight) throw wrong;
  const color = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
  // 1 is what the format writes where nobody chose an opacity.
  const own = opacity === 1 ? {} : { opacity };
  return normalLabel({ value, name, color, visible: visible === 1, locked: false, ...own });
}

function fromItkSnap(text: string): Label[] {
  return text.split(/\r\n|\r|\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return [];
    const label = labelOfLine(line, index + 1);
    return label === null ? [] : [label];
  });
}

/** Reads a list of labels from JSON or ITK-SNAP text. Throws a LabelFileError that says what is wrong and where. */
export function readLabelFile(text: string): Label[] {
  if (text.length > MAX_TEXT || text.includes('\0')) throw new LabelFileError('notText');
  const content = text.replace(/^\ufeff/, '');
  if (content.trim() === '') throw new LabelFileError('noLabels');
  const labels = /^\s*[[{]/.test(content) ? fromJson(content) : fromItkSnap(content);
  if (labels.length === 0) throw new LabelFileError('noLabels');
  if (labels.length > 255) throw new LabelFileError('tooMany');
  const seen = new Set<number>();
  for (const { value } of labels) {
    if (seen.has(value)) throw new LabelFileError('twice', 0, String(value));
    seen.add(value);
  }
  return labels;
}

/**
 * A job's labels after a set was applied: an object of the same value takes the set's name, colour and codes, others of
 * the set are added. A set without a code for a name, as every text of ITK-SNAP, leaves the code of an object of that name. Objects that the set lacks stay where voxels or prompts are theirs, else they go.
 */
export function withLabelSet(current: readonly Label[], set: readonly Label[], inUse: ReadonlySet<number>): Label[] {
  const wanted = new Map(set.map((label) => [label.value, label]));
  const kept = current.filter((label) => wanted.has(label.value) || inUse.has(label.value));
  const own = kept.map((label) => {
    const other = wanted.get(label.value);
    // A lock guards voxels of this job; a set says nothing about those.
    if (other === undefined) return label;
    const isSame = other.name.trim().toLowerCase() === label.name.trim().toLowerCase();
    const anatomy = other.anatomy ?? (isSame ? label.anatomy : undefined);
    return normalLabel({ ...other, locked: label.locked ?? false, ...(anatomy ? { anatomy } : {}) });
  });
  const values = new Set(own.map((label) => label.value));
  const added = set.filter((label) => !values.has(label.value)).map((label) => normalLabel({ ...label, locked: false }));
  return [...own, ...added];
}

/** The smallest value that no label has; null where all 255 are taken. */
export function freeValue(labels: readonly Label[]): number | null {
  const used = new Set(labels.map((label) => label.value));
  for (let value = 1; value <= 255; value++) if (!used.has(value)) return value;
  return null;
}

/** The colour for another label: the one wished for, unless an object has it. */
export function freeColor(labels: readonly Label[], wished: string | null): string {
  const used = labels.map((label) => label.color.toLowerCase());
  return wished !== null && !used.includes(wished) ? wished : nextLabelColor(used);
}
