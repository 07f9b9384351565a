// Somebody who comes by a file: a character card, or a snapshot of an avatar. What would happen is shown before it is done.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, send } from '../js/api.js';
import { said } from '../js/house.js';
import { Icon } from '../js/icons.js';
import { Portrait } from '../js/portrait.js';
import { welcome } from './invite.js';
import { SnapshotImport, isSnapshot } from './snapshot.js';

/** @import { CardAnswer, Personality } from './types.js' */

/** @typedef {{ file: File, card: CardAnswer, personality: Personality, left_out: string[] }} Shown */

const BINARY = { 'Content-Type': 'application/octet-stream' };

/** @param {File} file @param {boolean} dry @param {string} [name] */
async function sendCard(file, dry, name) {
  const query = new URLSearchParams({ dry_run: String(dry), ...(name ? { name } : {}) });
  return (await send(`/cards?${query}`, { method: 'POST', headers: BINARY, body: file })).json();
}

/** @param {{ shown: Shown, onDone: () => void }} props */
function CardPreview({ shown: { file, card, personality, left_out: left }, onDone }) {
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  /** @param {SubmitEvent} event */
  async function submitted(event) {
    event.preventDefault();
    const name = String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('name') ?? '').trim();
    busy.value = true;
    failure.value = null;
    try {
      const { avatar } = await sendCard(file, false, name);
      said.value = `${name} came in.`;
      await welcome(avatar.avatar_id);
      onDone();
    } catch (error) {
      failure.value = asFailure(error);
    }
    busy.value = false;
  }
  const counted = [
    card.greetings ? `${card.greetings} greeting${card.greetings === 1 ? '' : 's'}` : '',
    card.lore_entries ? (card.lore_entries === 1 ? 'one entry of lore' : `${card.lore_entries} entries of lore`) : '',
    card.picture ? 'with a picture' : '',
    card.tags?.length ? card.tags.join(', ') : '',
  ].filter(Boolean);
  return html`<form class="stack brought" aria-label="The card" onSubmit=${submitted}>
    <div class="row">
      <${Portrait} avatar=${{ name: card.name, personality_name: card.name, personality }} size=${72} />
      <div>
        <h3>${card.name}</h3>
        <p class="quiet">${[`character card ${card.format}`, card.creator && `by ${card.creator}`, card.character_version && `version ${card.character_version}`].filter(Boolean).join(' · ')}</p>
        ${counted.length > 0 && html`<p class="quiet">${counted.join(' · ')}</p>`}
      </div>
    </div>
    ${personality.persona?.description && html`<p class="clamp words">${String(personality.persona.description).replaceAll('{{char}}', card.name).replaceAll('{{user}}', 'you')}</p>`}
    ${card.notes && html`<details><summary>What its author says</summary><p class="words">${card.notes}</p></details>`}
    ${left.length > 0 && html`<div class="note warning"><p>Not kept, or not used:</p><ul>${left.map((one) => html`<li>${one}</li>`)}</ul></div>`}
    <label>Name here <input name="name" required maxlength="100" autocomplete="off" defaultValue=${card.name} /></label>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    <div class="row">
      <button class="primary" disabled=${busy.value}>${busy.value ? 'Bringing it in…' : 'Bring it in'}</button>
      <button type="button" onClick=${onDone}>Leave it</button>
    </div>
  </form>`;
}

/** @param {{ into?: { id: string, name: string } }} props into: the avatar whose page it is on, which a snapshot may be merged into */
export function Bring({ into }) {
  const over = useSignal(false);
  const card = useSignal(/** @type {Shown | null} */ (null));
  const snapshot = useSignal(/** @type {File | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {File | undefined} file */
  async function take(file) {
    if (!file) return;
    card.value = snapshot.value = failure.value = null;
    try {
      if (into || (await isSnapshot(file))) snapshot.value = file;
      else card.value = { file, ...(await sendCard(file, true)) };
    } catch (error) {
      failure.value = asFailure(error);
    }
  }
  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    over.value = false;
    void take(event.dataTransfer?.files[0]);
  }
  const words = into ? 'a snapshot of it' : 'a character card (PNG, JSON, CharX) or a snapshot';
  return html`<div class="bring">
    <div class="way drop" data-over=${over.value} onDragEnter=${() => (over.value = true)} onDragLeave=${() => (over.value = false)} onDrop=${dropped}>
      <${Icon} name="clip" />
      <span>
        <strong>Drop ${words}</strong>
        <button type="button" class="quiet-button" onClick=${() => input.current?.click()}>or choose a file</button>
      </span>
      <input
        ref=${input}
        type="file"
        hidden
        aria-label=${into ? 'A snapshot' : 'A card or a snapshot'}
        accept=${into ? '.json,.zip' : '.png,.json,.charx,.zip'}
        onChange=${(/** @type {any} */ event) => {
          void take(event.target.files[0]);
          event.target.value = '';
        }}
      />
    </div>
    ${failure.value && html`<${Alert} failure=${failure.value} onClose=${() => (failure.value = null)} />`}
    ${card.value && html`<${CardPreview} key=${card.value.file} shown=${card.value} onDone=${() => (card.value = null)} />`}
    ${snapshot.value && html`<${SnapshotImport} key=${snapshot.value} file=${snapshot.value} into=${into} onDone=${() => (snapshot.value = null)} />`}
  </div>`;
}
