// Tools: the plugins of this place, switched on and off; remote MCP servers are added by their address.

import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { post, remove } from '../js/api.js';
import { filledIn, useAsked } from './asked.js';

/** @type {Record<string, string>} */
const KINDS = { builtin: 'comes with Anima', package: 'of a package', mcp: 'MCP server' };

/** @param {{ one: any, change: (act: () => Promise<any>, told: string) => Promise<boolean> }} props */
function Row({ one, change }) {
  const place = `/plugins/${one.plugin_id}`;
  const turn = () => change(() => post(place, { enabled: !one.enabled }, 'PATCH'), `${one.name} is ${one.enabled ? 'off' : 'on'}.`);
  return html`<tr>
    <th scope="row">${one.name}<p class="quiet">${KINDS[one.kind] ?? one.kind}${one.shared ? '' : ', your own'}</p></th>
    <td data-label="tools">${one.tools.map((/** @type {any} */ tool) => tool.name).join(', ') || '–'}${one.reason && html`<p class="quiet">${one.reason}</p>`}</td>
    <td data-label="now">
      <button type="button" class="quiet-button" aria-pressed=${one.enabled} aria-label=${`${one.name}: ${one.enabled ? 'on' : 'off'}`} onClick=${turn}>${one.enabled ? 'on' : 'off'}</button>
      ${one.kind === 'mcp' && html`<button type="button" class="quiet-button" onClick=${() => change(() => remove(place), `${one.name} was removed.`)}>Remove</button>`}
    </td>
  </tr>`;
}

export function Tools() {
  const { found, failure, change } = useAsked('/plugins?limit=200');
  const add = async (/** @type {Event} */ event) => {
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const { name, url, token, shared } = filledIn(event);
    const body = { name, url, kind: 'mcp', shared: shared === 'on', ...(token ? { token } : {}) };
    if (await change(() => post('/plugins', body), `${name} was added.`)) form.reset();
  };
  return html`
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value &&
    html`<section>
      <h2>What there is</h2>
      <p class="quiet">What is off here is nobody’s. What is on, an avatar uses where its own page (Avatars, Tools) permits it.</p>
      <table class="kept">
        <thead><tr><th scope="col">Plugin</th><th scope="col">Tools</th><th scope="col">Now</th></tr></thead>
        <tbody>${found.value.items.map((/** @type {any} */ one) => html`<${Row} key=${one.plugin_id} one=${one} change=${change} />`)}</tbody>
      </table>
    </section>`}
    <section>
      <h2>Add an MCP server</h2>
      <form class="stack" onSubmit=${add}>
        <label>Name <input name="name" required maxlength="40" autocomplete="off" /></label>
        <label>Address <input name="url" type="url" required placeholder="https://…/mcp" /></label>
        <label>Token <input name="token" type="password" autocomplete="off" /></label>
        <label class="tick"><input name="shared" type="checkbox" />For everybody here</label>
        <button class="button">Add it</button>
      </form>
    </section>
  `;
}
