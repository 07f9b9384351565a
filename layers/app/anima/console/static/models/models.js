// The models of the registry: all of them with what the caches saved, or one with its structure, lineage, checkpoints, attention.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { Later } from '../js/later.js';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';
import { When, bytes } from '../js/time.js';
import { Caches } from './caches.js';
import { STATUS, all, count, family, parameters } from './told.js';

/** @type {[string | undefined, string, () => Promise<any>][]} */
const PARTS = [
  [undefined, 'Structure', async () => (await import('./structure.js')).Structure],
  ['lineage', 'Lineage', async () => (await import('./lineage.js')).Lineage],
  ['checkpoints', 'Checkpoints', async () => (await import('./checkpoints.js')).Checkpoints],
  ['attention', 'Attention', async () => (await import('./attention.js')).Attention],
];

/** @param {any} one */
export const named = (one) => `${one.name}@${one.version}`;

/** @param {{ models: any[] }} props */
function Table({ models }) {
  return html`<table class="kept">
    <thead>
      <tr>
        <th scope="col">Model</th><th scope="col">Kind</th><th scope="col">State</th>
        <th scope="col" class="number">Parameters</th><th scope="col" class="number">Weights</th><th scope="col">Made</th>
      </tr>
    </thead>
    <tbody>
      ${models.map(
        (one) => html`<tr key=${one.model_id}>
          <th scope="row"><a href=${href({ place: 'models', model: one.model_id })}>${named(one)}</a></th>
          <td data-label="kind">${family(one)}</td>
          <td data-label="state"><span class="state" data-state=${one.status}>${STATUS[one.status] ?? one.status}</span></td>
          <td data-label="parameters" class="number">${count(parameters(one))}</td>
          <td data-label="weights" class="number">${bytes(one.n_bytes)}</td>
          <td data-label="made"><${When} at=${one.created_at} /></td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function Shelf() {
  const known = useAsked('/registry/models', () => all('/registry/models'));
  const [found, failure] = [known.found.value, known.failure.value];
  useEffect(() => {
    document.title = 'Models · Anima';
  }, []);
  return html`<div class="page models">
    <header class="title"><${MenuButton} /><h1>Models</h1></header>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${!found && !failure && html`<p class="waiting" role="status">Reading…</p>`}
    ${found?.length === 0 &&
    html`<p>No model is kept here yet. A folder of Hugging Face comes in by <code>anima model import FOLDER</code>, a small one to look at by <code>anima model example</code>.</p>`}
    ${found && found.length > 0 && html`<section><${Table} models=${found} /></section>`}
    <${Caches} />
  </div>`;
}

/** @param {{ model: any, again: () => void }} props */
function Deploying({ model, again }) {
  const act = (/** @type {string} */ what, /** @type {string} */ told) =>
    attempt(async () => {
      await post(`/registry/models/${model.model_id}/${what}`, {});
      said.value = told;
      again();
    });
  if (model.status === 'deployed') {
    return html`<button type="button" class="button" onClick=${() => act('rollback', `${model.name} is as it was before.`)}>Roll back</button>`;
  }
  if (model.status !== 'trained') return null;
  return html`<button type="button" class="button" onClick=${() => act('deploy', `${named(model)} is deployed.`)}>Deploy</button>`;
}

/** @param {{ id: string }} props */
function One({ id }) {
  const known = useAsked(`/registry/models/${id}`);
  const [model, failure] = [known.found.value, known.failure.value];
  const [part, name, load] = PARTS.find(([one]) => one === route.value.part) ?? PARTS[0] ?? [];
  useEffect(() => {
    document.title = `${model ? named(model) : 'Model'} · Anima`;
  }, [model]);
  if (failure) return html`<div class="page"><${Alert} failure=${failure} /></div>`;
  if (!model) return html`<p class="waiting" role="status">Reading…</p>`;
  return html`<div class="page models" data-part=${part ?? 'structure'}>
    <header class="title">
      <${MenuButton} />
      <h1>${named(model)}</h1>
      <span class="state" data-state=${model.status}>${STATUS[model.status] ?? model.status}</span>
      <${Deploying} model=${model} again=${known.look} />
      <a href=${href({ place: 'models' })}>All models</a>
    </header>
    <p class="quiet">
      ${family(model)}, ${count(parameters(model))} parameters
      ${model.trainable_parameters === model.parameters ? '' : html` (${count(model.trainable_parameters)} of them can be trained)`}, ${bytes(model.n_bytes)}; made <${When} at=${model.created_at} />.
    </p>
    <nav class="tabs" aria-label=${`About ${model.name}`}>
      ${PARTS.map(
        ([one, words]) => html`<a key=${words} href=${href({ place: 'models', model: id, part: one })} aria-current=${words === name ? 'page' : undefined}>${words}</a>`,
      )}
    </nav>
    <${Later} key=${`${id}/${name}`} load=${load} model=${model} />
  </div>`;
}

export function Models() {
  const { model } = route.value;
  return model ? html`<${One} key=${model} id=${model} />` : html`<${Shelf} />`;
}
