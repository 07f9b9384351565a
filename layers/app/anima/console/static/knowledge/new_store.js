// A new store: in this database, or on another engine with its address and key.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, post } from '../js/api.js';
import { said } from '../js/house.js';
import { loadStores, purposes } from './purposes.js';

const PROVIDERS = [
  ['pgvector', 'this database'],
  ['qdrant', 'Qdrant'],
  ['milvus', 'Milvus'],
  ['pinecone', 'Pinecone'],
  ['weaviate', 'Weaviate'],
];
const LOCAL = ['qdrant', 'milvus'];

export function NewStore() {
  const provider = useSignal('pgvector');
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const outside = provider.value !== 'pgvector';

  /** @param {SubmitEvent} event */
  async function submitted(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const given = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
    const body = Object.fromEntries(given.filter(([, value]) => value));
    busy.value = true;
    failure.value = null;
    try {
      await post('/vector-stores', body);
      await loadStores();
      said.value = `The store ${body.store_name} is there.`;
      form.reset();
      provider.value = 'pgvector';
    } catch (error) {
      failure.value = asFailure(error);
    }
    busy.value = false;
  }

  return html`<section>
    <h2>Add a store</h2>
    <form class="fields" onSubmit=${submitted}>
      <label>Name <input name="store_name" required maxlength="100" autocomplete="off" placeholder="papers" /></label>
      <label>
        Purpose
        <input name="purpose" required maxlength="100" list="purposes" autocomplete="off" placeholder="semantic" />
        <datalist id="purposes">${purposes.value.map((one) => html`<option value=${one} />`)}</datalist>
      </label>
      <label>
        Where
        <select name="provider" value=${provider.value} onChange=${(/** @type {any} */ event) => (provider.value = event.target.value)}>
          ${PROVIDERS.map(([name, words]) => html`<option value=${name}>${words}</option>`)}
        </select>
      </label>
      ${outside &&
      html`<label>
          Address of the engine
          <input name="endpoint_url" maxlength="2000" autocomplete="off" placeholder="https://…" aria-describedby="endpoint-note" />
          <span class="quiet" id="endpoint-note">${LOCAL.includes(provider.value) ? '“local”: in a folder of this server. ' : ''}Left empty: the one of the settings.</span>
        </label>
        <label>
          Key
          <input name="api_key" type="password" maxlength="2000" autocomplete="new-password" aria-describedby="key-note" />
          <span class="quiet" id="key-note">Kept encrypted, and shown to nobody.</span>
        </label>`}
      <p><button class="primary" disabled=${busy.value}>${busy.value ? 'Making it…' : 'Add it'}</button></p>
    </form>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
  </section>`;
}
