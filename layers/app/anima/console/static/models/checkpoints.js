// The checkpoints of a model: what each measured and cost, which is the best, and how two of them differ.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { go, route } from '../js/route.js';
import { When, bytes } from '../js/time.js';
import { Difference } from './difference.js';
import { all, figure } from './told.js';

/** @param {Record<string, any>} metrics */
const measured = (metrics) =>
  Object.entries(metrics)
    .slice(0, 3)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? figure(value) : value}`)
    .join(', ') || '–';

/** @param {any} one */
const titled = (one) => `step ${one.step.toLocaleString('en')}${one.kind === 'full' ? '' : `, ${one.kind}`}`;

/** @param {{ items: any[], left: string, right: string, choose: (which: string, id: string) => void }} props */
function Choice({ items, left, right, choose }) {
  /** @type {[string, string, string][]} */
  const sides = [['left', 'From', left], ['right', 'To', right]];
  return html`<div class="row compare">
    ${sides.map(
      ([which, words, now]) => html`<label key=${which}>
        ${words}
        <select value=${now} onChange=${(/** @type {any} */ event) => choose(which, event.target.value)}>
          ${items.map((one) => html`<option key=${one.checkpoint_id} value=${one.checkpoint_id} selected=${one.checkpoint_id === now}>${titled(one)}</option>`)}
        </select>
      </label>`,
    )}
  </div>`;
}

/** @param {{ model: any }} props */
export function Checkpoints({ model }) {
  const path = `/registry/models/${model.model_id}/checkpoints`;
  const known = useAsked(path, () => all(path));
  const [found, failure] = [known.found.value, known.failure.value];
  if (failure) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Reading…</p>`;
  if (found.length === 0) return html`<p>None yet. A training run saves them with <code>run.save(…)</code>.</p>`;
  const asked = new URLSearchParams(route.value.query);
  const right = asked.get('right') ?? found[0].checkpoint_id;
  const left = asked.get('left') ?? found[1]?.checkpoint_id ?? right;
  const choose = (/** @type {string} */ which, /** @type {string} */ id) => {
    const query = new URLSearchParams({ left, right, [which]: id });
    go({ ...route.value, query: query.toString() }, { replace: true });
  };
  const best = (/** @type {any} */ one) =>
    attempt(async () => {
      await post(`/registry/checkpoints/${one.checkpoint_id}/best`, {});
      said.value = `${titled(one)} is the best now.`;
      known.look();
    });
  return html`<section>
      <h2>Checkpoints</h2>
      <table class="kept">
        <thead>
          <tr>
            <th scope="col">Step</th><th scope="col">Kind</th><th scope="col">Measured</th><th scope="col" class="number">In memory</th>
            <th scope="col" class="number">Added to the store</th><th scope="col">Saved</th><th scope="col">Best</th>
          </tr>
        </thead>
        <tbody>
          ${found.map(
            (/** @type {any} */ one) => html`<tr key=${one.checkpoint_id}>
              <th scope="row">${one.step.toLocaleString('en')}</th><td data-label="kind">${one.kind}</td><td data-label="measured">${measured(one.metrics)}</td>
              <td data-label="in memory" class="number">${bytes(one.n_bytes)}</td>
              <td data-label="added to the store" class="number">${bytes(one.new_bytes)}${one.n_bytes > 0 && html`<span class="quiet"> (${Math.round((100 * one.new_bytes) / one.n_bytes)} %)</span>`}</td>
              <td data-label="saved"><${When} at=${one.created_at} /></td>
              <td data-label="best">
                ${one.is_best ? html`<strong>the best</strong>` : one.run_id && html`<button type="button" class="quiet-button" onClick=${() => best(one)}>Make it the best</button>`}
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${found.length > 1 &&
    html`<section>
      <h2>How two of them differ</h2>
      <${Choice} items=${found} left=${left} right=${right} choose=${choose} />
      <${Difference} key=${`${left}/${right}`} left=${left} right=${right} />
    </section>`}`;
}
