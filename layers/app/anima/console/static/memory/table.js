// A list of memories as a file for a spreadsheet: all of it, not only what the page shows.

import { html } from 'htm/preact';
import { get } from '../js/api.js';
import { attempt, said } from '../js/house.js';

/** @import { Page } from '../js/types.js' */

const PAGE = 200;

/** A cell; what a spreadsheet would take for a formula is kept from it by a quote. @param {unknown} value */
function cell(value) {
  const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const plain = /^[=+\-@\t\r]/.test(text) && typeof value !== 'number' ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** @param {string[]} columns paths as "source.evidence" @param {Record<string, any>[]} rows */
export function csv(columns, rows) {
  const at = (/** @type {any} */ row, /** @type {string} */ path) => path.split('.').reduce((value, name) => value?.[name], row);
  return [columns, ...rows.map((row) => columns.map((path) => at(row, path)))].map((line) => line.map(cell).join(',')).join('\r\n');
}

/** @param {string} path */
async function all(path) {
  const rows = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    /** @type {Page<Record<string, any>>} */
    const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    rows.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}

/** @param {{ path: string, name: string, columns: string[] }} props */
export function AsTable({ path, name, columns }) {
  const save = () =>
    attempt(async () => {
      const file = new Blob([`\ufeff${csv(columns, await all(path))}\r\n`], { type: 'text/csv' });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = `${name}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
      said.value = `${name}.csv is saved.`;
    });
  return html`<button type="button" class="quiet-button" onClick=${save}>Save as CSV</button>`;
}
