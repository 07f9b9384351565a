// What the caches of inference hold, and what they saved.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { When, bytes } from '../js/time.js';
import { count } from './told.js';

/** @type {Record<string, string>} */
const KINDS = {
  embeddings: 'Embeddings of texts',
  activations: 'Activations of layers',
  kv: 'Keys and values of transformers',
  slots: 'What the local model has read of an avatar',
};

export function Caches() {
  const known = useAsked('/inference/caches');
  const [found, failure] = [known.found.value, known.failure.value];
  return html`<section>
    <h2>Caches</h2>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${found &&
    html`<table class="kept">
        <thead>
          <tr>
            <th scope="col">What</th><th scope="col" class="number">Entries</th><th scope="col" class="number">Size</th>
            <th scope="col" class="number">Used</th><th scope="col" class="number">Not computed again</th><th scope="col">Next expires</th>
          </tr>
        </thead>
        <tbody>
          ${found.caches.map(
            (/** @type {any} */ one) => html`<tr key=${one.kind}>
              <th scope="row">${KINDS[one.kind] ?? one.kind}</th>
              <td data-label="entries" class="number">${one.entries.toLocaleString('en')}</td>
              <td data-label="size" class="number">${bytes(one.n_bytes)}</td>
              <td data-label="used" class="number">${one.hits.toLocaleString('en')} times</td>
              <td data-label="not computed again" class="number">${one.saved_tokens === null ? bytes(one.saved_bytes) : `${count(one.saved_tokens)} tokens`}</td>
              <td data-label="next expires">${one.next_ends ? html`<${When} at=${one.next_ends} />` : '–'}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <p class="quiet">A cache may vanish at any time: it makes answers sooner, never other.</p>`}
  </section>`;
}
