// Numbers as they are read beside a plot, and tables as files.

const STEPS = /** @type {const} */ ([[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]);

/** A number of any size: 0.0021, 1.30e-7, 12,345; a dash where there is none. @param {number | null | undefined} value */
export function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toLocaleString('en', { maximumFractionDigits: 6 });
}

/** @param {number | null | undefined} value */
export const whole = (value) => (value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en'));

/** A short one for an axis: 20k, 1.5M. @param {number | null} value */
export function short(value) {
  if (value === null) return '';
  const [size, unit] = STEPS.find(([from]) => Math.abs(value) >= from) ?? [1, ''];
  const scaled = value / size;
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(0);
  return `${Number(scaled.toPrecision(4))}${unit}`;
}

const MOST_NAMED = 8;

/** At which steps a run took the world to have changed, in words. @param {number[]} steps in their order @param {string} [who] */
export function resetsIn(steps, who = 'it') {
  const named = steps.slice(-MOST_NAMED).map(whole);
  const last = named.pop();
  const list = named.length ? `${named.join('; ')} and ${last}` : last;
  const when = steps.length > MOST_NAMED ? `${whole(steps.length)} steps, the last ones ${list}` : `${steps.length === 1 ? 'step' : 'steps'} ${list}`;
  return `Dashed, “reset”: ${who} took the world to have changed, at ${when}.`;
}

/** A cell; what a spreadsheet would take for a formula is kept from it by a quote. @param {unknown} value */
function cell(value) {
  const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const plain = /^[=+\-@\t\r]/.test(text) && typeof value !== 'number' ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** @param {unknown[][]} rows the first holds the names of the columns */
export const csv = (rows) => `${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;

/** Gives the browser a file to keep. @param {string} name @param {string} text @param {string} [type] */
export function save(name, text, type = 'text/csv') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, '-');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
