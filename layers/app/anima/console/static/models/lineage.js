// Where a model comes from, what was made of it, and the runs that trained it.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { href } from '../js/route.js';
import { When } from '../js/time.js';
import { STATUS, figure } from './told.js';

/** @type {Record<string, string>} */
const KINDS = { '': 'made here', import: 'imported', training: 'from a run', quantize: 'quantised', dequantize: 'as floats again', prune: 'pruned' };

/** How it was made: the word of the derivation, and the few numbers that belong to it. @param {Record<string, any>} derivation */
function how(derivation) {
  const { kind = '', parent: _, ...rest } = derivation;
  const told = Object.entries(rest).filter(([name, value]) => !name.endsWith('_id') && ['string', 'number', 'boolean'].includes(typeof value));
  const words = told.map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? figure(value) : value}`);
  return `${KINDS[kind] ?? kind}${words.length ? `: ${words.slice(0, 4).join(', ')}` : ''}`;
}

/** @param {{ one: any, here?: boolean }} props */
function Kin({ one, here = false }) {
  return html`<li data-here=${here} style=${`--depth: ${one.depth}`}>
    ${here ? html`<strong>${one.name}@${one.version}</strong>` : html`<a href=${href({ place: 'models', model: one.model_id, part: 'lineage' })}>${one.name}@${one.version}</a>`}
    <span class="state" data-state=${one.status}>${STATUS[one.status] ?? one.status}</span>
    <span class="quiet">${how(one.derivation)}</span>
  </li>`;
}

/** Descendants each after its parent, deeper by one. @param {any[]} kin @param {string} parent @param {number} depth @returns {any[]} */
const under = (kin, parent, depth) =>
  kin.filter((one) => one.parent_id === parent).flatMap((one) => [{ ...one, depth }, ...under(kin, one.model_id, depth + 1)]);

/** @param {{ model: any }} props */
export function Lineage({ model }) {
  const path = `/registry/models/${model.model_id}/lineage`;
  const known = useAsked(path);
  const [found, failure] = [known.found.value, known.failure.value];
  if (failure) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Reading…</p>`;
  const before = [...found.ancestors].reverse().map((one, depth) => ({ ...one, depth }));
  const after = under(found.descendants, model.model_id, before.length + 1);
  return html`<section>
      <h2>Where it comes from, and what came of it</h2>
      <ul class="lineage" aria-label="Lineage">
        ${before.map((one) => html`<${Kin} key=${one.model_id} one=${one} />`)}
        <${Kin} one=${{ ...model, depth: before.length }} here />
        ${after.map((one) => html`<${Kin} key=${one.model_id} one=${one} />`)}
      </ul>
    </section>
    <section>
      <h2>Runs that trained it</h2>
      ${found.runs.length === 0
        ? html`<p class="quiet">None.</p>`
        : html`<table class="kept">
            <thead><tr><th scope="col">Run</th><th scope="col">State</th><th scope="col" class="number">Step</th><th scope="col" class="number">Checkpoints</th><th scope="col">Begun</th></tr></thead>
            <tbody>
              ${found.runs.map(
                (/** @type {any} */ one) => html`<tr key=${one.run_id}>
                  <th scope="row">${one.name}</th><td data-label="state">${one.status}</td><td data-label="step" class="number">${one.step.toLocaleString('en')}</td>
                  <td data-label="checkpoints" class="number">${one.checkpoints}</td>
                  <td data-label="begun">${one.started_at ? html`<${When} at=${one.started_at} />` : 'not yet'}</td>
                </tr>`,
              )}
            </tbody>
          </table>`}
    </section>`;
}
