// Counts, sizes and states of models in words, and lists that come in pages.

import { get } from '../js/api.js';

const PAGE = 100;
const MOST = 5000;
const STEPS = /** @type {const} */ ([[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'k']]);

/** @type {Record<string, string>} */
export const STATUS = { initialized: 'not trained yet', training: 'in training', trained: 'trained', deployed: 'deployed' };

/** A number of parameters: 124.4 M. @param {number} n */
export function count(n) {
  const [size, unit] = STEPS.find(([from]) => n >= from) ?? [1, ''];
  return unit ? `${(n / size).toLocaleString('en', { maximumFractionDigits: 1 })} ${unit}` : n.toLocaleString('en');
}

/** What kind of model it is. @param {any} model */
export function family({ architecture, type }) {
  if (architecture.family && architecture.family !== 'unknown') return architecture.family;
  return type === 'other' ? 'of its own kind' : type;
}

/** How many parameters a model has: a quantised one lies in fewer numbers, and its scales are none. @param {any} model */
export function parameters(model) {
  const how = model.architecture.quantization;
  let n = model.parameters;
  for (const { shape } of Object.values(how?.tensors ?? {})) {
    const columns = shape.at(-1);
    const rows = shape.slice(0, -1).reduce((/** @type {number} */ all, /** @type {number} */ one) => all * one, 1);
    const groups = Math.ceil(columns / (how.group_size || columns || 1));
    const [packed, zeros] = [columns, groups].map((length) => Math.ceil((length * how.bits) / 8));
    n += rows * (columns - packed - groups - (how.symmetric ? 0 : zeros));
  }
  return n;
}

/** A small number as it is read: 0.0021, 1.3e-7; a dash where there is none. @param {number | null | undefined} value */
export function figure(value) {
  if (value === null || value === undefined) return '–';
  return value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

/** Every item of a list that comes in pages, up to some thousands. @param {string} path */
export async function all(path) {
  const items = [];
  let cursor = '';
  do {
    const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    items.push(...page.items);
    cursor = page.next_cursor ?? '';
  } while (cursor && items.length < MOST);
  return items;
}
