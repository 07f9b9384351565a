// Which tools an avatar may use, and about which of them it asks before each call.

import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { useAsked } from '../admin/asked.js';
import { Switch } from '../later/switch.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** A tool's name as words. @param {string} name */
const inWords = (name) => name.replaceAll('_', ' ');

/** @param {{ one: any, wish: (wished: any, told: string) => Promise<boolean> }} props */
function Asking({ one, wish }) {
  const asked = one.tools.filter((/** @type {any} */ tool) => tool.approval === 'ask' || tool.always);
  if (!asked.length) return 'no';
  return asked.map((/** @type {any} */ tool) => {
    const set = (/** @type {any} */ event) => {
      const always = event.target.value === 'always';
      return wish({ tools: { [tool.name]: { always } } }, `${inWords(tool.name)}: ${always ? 'not asked about' : 'asked about'}.`);
    };
    return html`<label key=${tool.name}>
      <span>${inWords(tool.name)}</span>${' '}
      <select value=${tool.always ? 'always' : 'ask'} onChange=${set}>
        <option value="ask" selected=${!tool.always}>asks before each call</option>
        <option value="always" selected=${tool.always}>may always do it, as it is now</option>
      </select>
    </label>`;
  });
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Uses({ avatar }) {
  const place = `/avatars/${avatar.avatar_id}/plugins`;
  const { found, failure, change } = useAsked(place);
  const wishing = (/** @type {any} */ one) => (/** @type {any} */ wished, /** @type {string} */ told) =>
    change(() => post(place, { items: [{ plugin_id: one.plugin_id, ...wished }] }, 'PUT'), told);
  return html`<section>
    <h2>What ${avatar.name} may use</h2>
    <p class="quiet">Each call is shown in the talk, with what it was asked and what it answered.</p>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value &&
    html`<table class="kept settings">
      <thead><tr><th scope="col">Tools</th><th scope="col">Asked about</th></tr></thead>
      <tbody>
        ${found.value.items.map((/** @type {any} */ one) => {
          const set = (/** @type {boolean} */ on) => wishing(one)({ enabled: on }, `${one.name}: ${on ? 'on' : 'off'}.`);
          const tools = one.tools.map((/** @type {any} */ tool) => inWords(tool.name)).join(', ');
          return html`<tr key=${one.plugin_id}>
            <th scope="row">
              <label class="tick"><${Switch} on=${one.enabled} set=${set} />${one.name}</label>
              <p class="quiet">${one.description || tools}</p>
            </th>
            ${one.enabled ? html`<td data-label="asked about"><${Asking} one=${one} wish=${wishing(one)} /></td>` : html`<td></td>`}
          </tr>`;
        })}
      </tbody>
    </table>`}
  </section>`;
}
