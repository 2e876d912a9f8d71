// Numbers for people: sizes, times, coordinates. Words come from the translation layer.

export function formatBytes(bytes: number, language: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: units[unit] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}

/** How long ago, in the largest fitting unit. */
export function formatAgo(thenMs: number, nowMs: number, language: string): string {
  // Clocks differ a little, and the page's ticks twice a minute: nothing happened in the future.
  const seconds = Math.min(Math.round((thenMs - nowMs) / 1000), 0);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
    ['day', 86400],
    ['hour', 3600],
    ['minute', 60],
  ];
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.trunc(seconds), 'second');
}

export function formatDate(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(ms);
}

/** A millimetre value with one decimal, minus zero as zero. */
export function formatMm(value: number): string {
  const text = value.toFixed(1);
  return text === '-0.0' ? '0.0' : text;
}

/** An intensity: whole numbers plain, others with four significant digits. */
export function formatIntensity(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

export function formatSpacing(spacingMm: readonly number[]): string {
  return spacingMm.map((value) => String(Number(value.toFixed(2)))).join(' × ');
}

/** Window width and level, and magnification where it is wanted: letters and signs that are the same in every language. */
export function formatWindow({ low, high }: { readonly low: number; readonly high: number }, zoom: number | null): string {
  const window = `W ${formatIntensity(high - low)}  L ${formatIntensity((high + low) / 2)}`;
  return zoom === null ? window : `${window}  ·  ${zoom.toFixed(1)} ×`;
}
