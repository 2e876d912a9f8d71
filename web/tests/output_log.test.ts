// What a task's program said, put together of parts.
import { describe, expect, it } from 'vitest';
import { joined, type OutputPart } from '../src/core/output_log';

function part(offset: number, text: string, attempt = 1): OutputPart {
  const next = offset + new TextEncoder().encode(text).length;
  return { attempt, attempts: [1], offset, text, next_offset: next, length: 100 };
}

describe('joined', () => {
  it('adds what follows and what comes before', () => {
    const later = joined(part(10, '복부\n'), part(17, 'done\n'));
    expect(later).toMatchObject({ offset: 10, text: '복부\ndone\n', next_offset: 22 });
    expect(joined(later, part(4, 'first\n'))).toMatchObject({ offset: 4, text: 'first\n복부\ndone\n', next_offset: 22 });
  });

  it('takes nothing twice', () => {
    const known = joined(part(0, 'abc'), part(3, 'def'));
    expect(joined(known, part(3, 'def'))).toEqual(known);
  });

  it('begins anew with another attempt, or where something is missing', () => {
    expect(joined(part(0, 'abc'), part(0, 'x', 2))).toMatchObject({ attempt: 2, text: 'x' });
    expect(joined(part(0, 'abc'), part(50, 'x'))).toMatchObject({ offset: 50, text: 'x' });
    expect(joined(null, part(5, 'x'))).toMatchObject({ offset: 5, text: 'x' });
  });

  it('keeps the end of a log that grows for ever, and where it begins', () => {
    const line = '가'.repeat(1 << 20);
    let known = part(0, line);
    for (let n = 0; n < 3; n += 1) known = joined(known, part(known.next_offset, line));
    expect(known.text.length).toBe(2 << 20);
    expect(known.next_offset - known.offset).toBe(3 * (2 << 20));
  });
});
