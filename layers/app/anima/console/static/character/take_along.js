// An avatar as a file: a character card of its personality, or a snapshot of all it is and remembers; and back again.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { said } from '../js/house.js';
import { Bring } from './bring.js';

/** @import { AvatarAnswer } from '../js/types.js' */

const API = '/api/v1';

/** Lets the browser save a file; a link cannot renew a sign-in by itself, so it is renewed before. @param {string} path */
async function save(path) {
  await get('/users/me');
  const link = document.createElement('a');
  link.href = API + path;
  link.download = '';
  link.click();
  said.value = 'Your browser saves it.';
}

/** @param {{ avatar: AvatarAnswer }} props */
export function TakeAlong({ avatar }) {
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const media = useSignal(false);
  const id = avatar.avatar_id;
  const start = (/** @type {string} */ path) => save(path).catch((error) => (failure.value = asFailure(error)));
  const card = (/** @type {string} */ format, /** @type {string} */ words) =>
    html`<button type="button" onClick=${() => start(`/avatars/${id}/card?format=${format}&version=v3`)}>${words}</button>`;
  return html`${failure.value && html`<${Alert} failure=${failure.value} onClose=${() => (failure.value = null)} />`}
    <section>
      <h2>As a character card</h2>
      <p>Who ${avatar.name} is, for other programs: its personality and its lore, and nothing that it remembers of you.</p>
      <div class="row">${card('png', 'Save as a picture (PNG)')}${card('json', 'Save as JSON')}</div>
    </section>
    <section>
      <h2>As a snapshot</h2>
      <p>All that ${avatar.name} is and remembers: facts, what happened, how it feels, talks (private ones never), versions. Signed here, so that it cannot be changed unseen.</p>
      <label class="tick"><input type="checkbox" checked=${media.value} onChange=${(/** @type {any} */ event) => (media.value = event.target.checked)} />with pictures and recordings</label>
      <div class="row"><button type="button" onClick=${() => start(`/avatars/${id}/snapshot?media=${media.value}`)}>Save a snapshot</button></div>
    </section>
    <section>
      <h2>Merge a snapshot into ${avatar.name}</h2>
      <p class="quiet">What is newer counts; what would happen is shown before it is done.</p>
      <${Bring} into=${{ id, name: avatar.name }} />
    </section>`;
}
