// What heads attended to in a text: a heat map for a layer and a head, with the words and the number under the pointer.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { send } from '../js/api.js';
import { go, route } from '../js/route.js';
import { all } from './told.js';

const CELL = 40;
const LARGEST = 600;

/** The matrix of a pattern, row by row. @param {any} pattern */
async function matrix(pattern) {
  const answer = await send(`/registry/tensors/${pattern.tensor_id}/data?format=raw`);
  const [queries, keys] = (answer.headers.get('X-Tensor-Shape') ?? '').split(',').map(Number);
  const data = await answer.arrayBuffer();
  const half = answer.headers.get('X-Tensor-Dtype') === 'float16';
  const values = half ? Float32Array.from(new Uint16Array(data), fromHalf) : new Float32Array(data);
  return { queries, keys, values };
}

/** A half-precision number by its bits. @param {number} bits */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  return exponent === 31 ? (fraction ? NaN : sign * Infinity) : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

/** Draws a row for each query and a column for each key: the more ink, the more attention.
 * @param {HTMLCanvasElement} canvas @param {{ queries: number, keys: number, values: Float32Array }} map @param {number} cell */
function draw(canvas, { queries, keys, values }, cell) {
  const paper = canvas.getContext('2d');
  if (!paper) return;
  canvas.width = keys * cell;
  canvas.height = queries * cell;
  paper.fillStyle = getComputedStyle(canvas).color;
  for (let row = 0; row < queries; row += 1) {
    for (let column = 0; column < keys; column += 1) {
      paper.globalAlpha = Math.sqrt(Math.min(1, Math.max(0, values[row * keys + column] ?? 0)));
      paper.fillRect(column * cell, row * cell, cell, cell);
    }
  }
}

/** @param {{ pattern: any }} props */
function HeatMap({ pattern }) {
  const known = useAsked(pattern.pattern_id, () => matrix(pattern));
  const [found, failure] = [known.found.value, known.failure.value];
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const at = useSignal(/** @type {[number, number] | null} */ (null));
  const cell = found ? Math.max(2, Math.min(CELL, Math.floor(LARGEST / Math.max(found.keys, found.queries)))) : CELL;
  useEffect(() => {
    if (found && canvas.current) draw(canvas.current, found, cell);
  }, [found]);
  if (failure) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Reading…</p>`;
  const tokens = pattern.tokens;
  const word = (/** @type {number} */ index) => `“${tokens[index] ?? index}”`;
  const point = (/** @type {any} */ event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * found.queries);
    const column = Math.floor(((event.clientX - box.left) / box.width) * found.keys);
    at.value = row < found.queries && column < found.keys ? [row, column] : null;
  };
  const [row, column] = at.value ?? [found.queries - 1, strongest(found, found.queries - 1)];
  return html`<figure class="heat">
    <canvas ref=${canvas} role="img" aria-label=${`Attention of layer ${pattern.layer}, head ${pattern.head}: ${found.queries} words by ${found.keys}`} onPointerMove=${point} onPointerLeave=${() => (at.value = null)}></canvas>
    <figcaption role="status">${word(row)} looks at ${word(column)} with ${((found.values[row * found.keys + column] ?? 0) * 100).toFixed(1)} %</figcaption>
    <details>
      <summary>Where each word looks most</summary>
      <ol class="words">
        ${tokens.slice(0, found.queries).map((/** @type {string} */ token, /** @type {number} */ query) => {
          const key = strongest(found, query);
          return html`<li key=${query}>“${token}” → ${word(key)} <span class="quiet">${((found.values[query * found.keys + key] ?? 0) * 100).toFixed(0)} %</span></li>`;
        })}
      </ol>
    </details>
  </figure>`;
}

/** @param {{ keys: number, values: Float32Array }} map @param {number} query */
function strongest({ keys, values }, query) {
  const row = values.subarray(query * keys, (query + 1) * keys);
  return row.reduce((best, value, key) => (value > (row[best] ?? 0) ? key : best), 0);
}

/** @param {{ model: any, text: any }} props */
function Text({ model, text }) {
  const given = new URLSearchParams(route.value.query);
  const layer = Math.min(Number(given.get('layer') ?? 0), text.layers - 1);
  const head = Math.min(Number(given.get('head') ?? 0), text.heads - 1);
  const path = `/inference/attention/${model.model_id}?input=${text.input_hash}&layer=${layer}&head=${head}`;
  const known = useAsked(path);
  const [found, failure] = [known.found.value, known.failure.value];
  const choose = (/** @type {string} */ name) => (/** @type {any} */ event) => {
    given.set(name, event.target.value);
    go({ ...route.value, query: given.toString() }, { replace: true });
  };
  /** @type {[string, string, number, number][]} */
  const choices = [['layer', 'Layer', text.layers, layer], ['head', 'Head', text.heads, head]];
  return html`<div class="row">
      ${choices.map(
        ([name, words, many, now]) => html`<label key=${name}>${words}
          <select value=${String(now)} onChange=${choose(name)}>${Array.from({ length: many }, (_, index) => html`<option key=${index} value=${String(index)} selected=${index === now}>${index}</option>`)}</select>
        </label>`,
      )}
    </div>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${found && (found.items[0] ? html`<${HeatMap} key=${path} pattern=${found.items[0]} />` : html`<p class="quiet">Nothing was recorded of this head.</p>`)}`;
}

/** @param {{ model: any }} props */
export function Attention({ model }) {
  const path = `/inference/attention/${model.model_id}/inputs`;
  const known = useAsked(path, () => all(path));
  const [found, failure] = [known.found.value, known.failure.value];
  if (failure) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Reading…</p>`;
  if (found.length === 0) return html`<p>Nothing was recorded yet: batch inference keeps what each head attended to where it is asked to.</p>`;
  const asked = new URLSearchParams(route.value.query).get('text');
  const text = found.find((/** @type {any} */ one) => one.input_hash === asked) ?? found[0];
  const choose = (/** @type {any} */ event) => go({ ...route.value, query: `text=${event.target.value}` }, { replace: true });
  return html`<section>
    <h2>What each head looks at</h2>
    <label>Text
      <select value=${text.input_hash} onChange=${choose}>
        ${found.map((/** @type {any} */ one) => html`<option key=${one.input_hash} value=${one.input_hash} selected=${one === text}>${one.tokens.join(' ').slice(0, 80)}</option>`)}
      </select>
    </label>
    <${Text} key=${text.input_hash} model=${model} text=${text} />
  </section>`;
}
