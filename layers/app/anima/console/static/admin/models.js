// Models: which may answer, who serves them and what each of them wants, and fetching what the profile needs.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { useAsked } from './asked.js';

const LOOK_MS = 1000;

/** @type {Record<string, string>} */
const STATES = { waiting: 'not looked at yet', fetching: 'is fetched', fetched: 'fetched', present: 'was there', checked: 'checked', missing_key: 'its key is missing', failed: 'failed' };

/** @param {any} item */
const share = (item) => (item.state === 'fetching' && item.total_bytes ? ` ${Math.round((100 * item.done_bytes) / item.total_bytes)} %` : '');

function Provision() {
  const { found, failure, look, change } = useAsked('/models/provision');
  const running = found.value?.state === 'running';
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [running]);
  const begin = (/** @type {boolean} */ force) => change(() => post('/models/provision', { force }), 'The models are looked at.');
  return html`<section>
    <h2>What the profile needs</h2>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value?.items.length > 0 &&
    html`<table class="kept">
      <thead><tr><th scope="col">Role</th><th scope="col">Model</th><th scope="col">State</th></tr></thead>
      <tbody>
        ${found.value.items.map(
          (/** @type {any} */ item) => html`<tr key=${item.role + item.model}>
            <th scope="row">${item.role}</th><td data-label="model">${item.model}</td>
            <td data-label="state">${STATES[item.state] ?? item.state}${share(item)}${item.reason && html`<p class="quiet">${item.reason}</p>`}</td>
          </tr>`,
        )}
      </tbody>
    </table>`}
    <div class="row">
      <button type="button" class="button" disabled=${running} onClick=${() => begin(false)}>Fetch or check</button>
      <button type="button" class="quiet-button" disabled=${running} onClick=${() => begin(true)}>Fetch anew</button>
    </div>
    ${running && html`<p class="quiet" role="status">It goes on while you do something else.</p>`}
  </section>`;
}

export function Models() {
  const { found, failure } = useAsked('/models');
  return html`
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value &&
    html`<section>
        <h2>Who may answer</h2>
        ${found.value.items.length === 0 && html`<p class="quiet">No model is set up. Give a provider its key below, or fetch the local one.</p>`}
        <table class="kept">
          <thead><tr><th scope="col">Model</th><th scope="col">For</th><th scope="col">Reads</th><th scope="col" class="number">Tokens at once</th><th scope="col">Now</th></tr></thead>
          <tbody>
            ${found.value.items.map(
              (/** @type {any} */ one) => html`<tr key=${one.id}>
                <th scope="row">${one.id}${one.default && html` <span class="quiet">by default</span>`}</th>
                <td data-label="for">${one.roles.join(', ') || '–'}</td><td data-label="reads">${one.modalities.join(', ')}</td>
                <td class="number" data-label="tokens at once">${one.max_context_len.toLocaleString()}</td>
                <td data-label="now">${one.available ? 'ready' : one.configured ? 'does not answer' : 'not set up'}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </section>
      <section>
        <h2>Who could serve models</h2>
        <table class="kept">
          <thead><tr><th scope="col">Provider</th><th scope="col">Set up by</th><th scope="col">Now</th></tr></thead>
          <tbody>
            ${found.value.providers.map(
              (/** @type {any} */ one) => html`<tr key=${one.name}>
                <th scope="row">${one.name}</th><td data-label="set up by">${one.setting ? html`<code>${one.setting}</code>` : '–'}</td>
                <td data-label="now">${one.configured ? 'set up' : 'not set up'}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </section>`}
    <${Provision} />
  `;
}
