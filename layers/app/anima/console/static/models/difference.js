// How two checkpoints differ, tensor by tensor: the most changed first.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { figure } from './told.js';

/** @type {Record<string, string>} */
const STATES = { same: 'the same', changed: 'changed', added: 'new', removed: 'gone' };
const MOST = 200;

/** @param {Record<string, number>} counts */
const summed = (counts) =>
  Object.entries(STATES)
    .filter(([state]) => counts[state])
    .map(([state, words]) => `${counts[state]} ${words}`)
    .join(', ');

/** @param {any} one */
const weight = (one) => one.relative ?? (one.state === 'changed' ? 0 : Number.POSITIVE_INFINITY);

/** @param {{ one: any, most: number }} props */
function Row({ one, most }) {
  const share = one.relative === null || most === 0 ? 0 : Math.sqrt(one.relative / most);
  return html`<tr>
    <th scope="row"><code>${one.name}</code></th>
    <td data-label="state">${STATES[one.state]}${one.role === 'weight' ? '' : ` (${one.role})`}</td>
    <td data-label="moved" class="number"><span class="bar" style=${`--share: ${share.toFixed(3)}`} aria-hidden="true"></span>${one.relative === null ? '–' : `${figure(100 * one.relative)} %`}</td>
    <td data-label="largest" class="number">${figure(one.max_abs)}</td>
    <td data-label="rmse" class="number">${figure(one.rmse)}</td>
    <td data-label="cosine" class="number">${figure(one.cosine)}</td>
    <td data-label="values changed" class="number">${one.share_changed === null ? '–' : `${figure(100 * one.share_changed)} %`}</td>
  </tr>`;
}

/** @param {{ left: string, right: string }} props */
export function Difference({ left, right }) {
  const path = `/registry/checkpoints/${left}/compare?with=${right}`;
  const known = useAsked(path);
  const [found, failure] = [known.found.value, known.failure.value];
  if (left === right) return html`<p class="quiet">Choose two.</p>`;
  if (failure) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Comparing…</p>`;
  const rows = [...found.differences].sort((one, other) => weight(other) - weight(one));
  const most = Math.max(0, ...rows.map((one) => one.relative ?? 0));
  return html`<p role="status">Tensors: ${summed(found.counts)}.</p>
    ${rows.length > 0 &&
    html`<table class="kept difference">
      <thead>
        <tr>
          <th scope="col">Tensor</th><th scope="col">State</th><th scope="col" class="number">Moved by</th><th scope="col" class="number">Largest</th>
          <th scope="col" class="number">RMSE</th><th scope="col" class="number">Cosine</th><th scope="col" class="number">Values changed</th>
        </tr>
      </thead>
      <tbody>${rows.slice(0, MOST).map((one) => html`<${Row} key=${one.role + one.name} one=${one} most=${most} />`)}</tbody>
    </table>`}
    ${rows.length > MOST && html`<p class="quiet">The ${MOST} that moved most; <code>anima model checkpoint diff</code> tells all.</p>`}`;
}
