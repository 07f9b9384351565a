// A model as a tree: its blocks, their layers, and the weights of each, with how many parameters they hold.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { bytes } from '../js/time.js';
import { all, count } from './told.js';

/** @typedef {{ key: string, title: string, layers: any[], parameters: number }} Block */

/** Layers in their order, those of one block of the transformer together. @param {any[]} layers @returns {Block[]} */
function blocks(layers) {
  /** @type {Block[]} */
  const found = [];
  for (const layer of layers) {
    const block = layer.configuration.block;
    const key = block === undefined || block === null ? layer.layer_id : `block ${block}`;
    let last = found[found.length - 1];
    if (last?.key !== key) found.push((last = { key, title: block === undefined || block === null ? layer.name : `Block ${block}`, layers: [], parameters: 0 }));
    last.layers.push(layer);
    last.parameters += layer.parameters;
  }
  return found;
}

/** @param {{ weights: any[], within?: string }} props the name of the layer they are within, which is not told again */
function Weights({ weights, within = '' }) {
  if (!weights.length) return html`<p class="quiet">It has no weights of its own.</p>`;
  return html`<table class="kept weights">
    <thead><tr><th scope="col">Weight</th><th scope="col">What it does</th><th scope="col">Shape</th><th scope="col">Type</th><th scope="col" class="number">Size</th><th scope="col">Trainable</th></tr></thead>
    <tbody>
      ${weights.map(
        (one) => html`<tr key=${one.weight_id}>
          <th scope="row"><code title=${one.name}>${within && one.name.startsWith(`${within}.`) ? one.name.slice(within.length + 1) : one.name}</code></th>
          <td data-label="what it does">${one.category.replaceAll('_', ' ')}</td>
          <td data-label="shape">${one.shape.join(' × ') || 'one number'}</td>
          <td data-label="type">${one.dtype}</td>
          <td data-label="size" class="number">${bytes(one.n_bytes)}</td>
          <td data-label="trainable">${one.trainable ? 'yes' : 'frozen'}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {{ layer: any, weights: any[] }} props */
function Layer({ layer, weights }) {
  const sizes = layer.input_dim ? `${layer.input_dim} → ${layer.output_dim ?? layer.input_dim}` : '';
  return html`<li>
    <details>
      <summary><code>${layer.name}</code><span class="quiet">${layer.type} ${sizes}</span><span class="number">${count(layer.parameters)}</span></summary>
      <${Weights} weights=${weights} within=${layer.name} />
    </details>
  </li>`;
}

/** @param {{ block: Block, of: (layer: any) => any[] }} props */
function Branch({ block, of }) {
  const [only] = block.layers;
  if (block.layers.length === 1) return html`<${Layer} layer=${only} weights=${of(only)} />`;
  return html`<li>
    <details>
      <summary>${block.title}<span class="quiet">${block.layers.length} layers</span><span class="number">${count(block.parameters)}</span></summary>
      <ul class="tree">${block.layers.map((layer) => html`<${Layer} key=${layer.layer_id} layer=${layer} weights=${of(layer)} />`)}</ul>
    </details>
  </li>`;
}

/** @param {{ model: any }} props */
export function Structure({ model }) {
  const path = `/registry/models/${model.model_id}`;
  const known = useAsked(path, async () => {
    const [layers, weights, files] = await Promise.all([all(`${path}/layers`), all(`${path}/weights`), all(`${path}/files`)]);
    return { layers, weights, files };
  });
  const [found, failure] = [known.found.value, known.failure.value];
  if (failure) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Reading…</p>`;
  const of = (/** @type {any} */ layer) => found.weights.filter((/** @type {any} */ one) => one.layer_id === layer.layer_id);
  const loose = found.weights.filter((/** @type {any} */ one) => one.layer_id === null);
  return html`<section>
      <h2>Layers</h2>
      ${found.layers.length === 0 && html`<p class="quiet">Nothing of it is known yet: it has no weights.</p>`}
      <ul class="tree" aria-label="Layers">${blocks(found.layers).map((block) => html`<${Branch} key=${block.key} block=${block} of=${of} />`)}</ul>
      ${loose.length > 0 && html`<h3>Weights outside of layers</h3><${Weights} weights=${loose} />`}
    </section>
    ${found.files.length > 0 &&
    html`<section>
      <h2>Files</h2>
      <table class="kept">
        <thead><tr><th scope="col">File</th><th scope="col" class="number">Size</th><th scope="col">SHA-256</th></tr></thead>
        <tbody>
          ${found.files.map(
            (/** @type {any} */ one) => html`<tr key=${one.path}><th scope="row">${one.path}</th><td data-label="size" class="number">${bytes(one.n_bytes)}</td><td data-label="sha-256"><code class="digest">${one.sha256}</code></td></tr>`,
          )}
        </tbody>
      </table>
    </section>`}`;
}
