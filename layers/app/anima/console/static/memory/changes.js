// What a person changes of a memory: each change can be undone for a day, at once by the note that tells of it.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { send } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { Icon } from '../js/icons.js';

const SHOWN_MS = 20_000;
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** @typedef {{ text: string, avatarId: string, changeId: string | null, gone: boolean }} Note */

const note = signal(/** @type {Note | null} */ (null));

/** Counts what was changed, so that lists are read anew. */
export const changed = signal(0);

/** @param {string} avatarId @param {'facts' | 'episodes'} kind @param {string} id */
const pathOf = (avatarId, kind, id) => `/avatars/${avatarId}/${kind}/${id}`;

/** @param {string} avatarId @param {string} text @param {Response} answer @param {boolean} [gone] */
function tell(avatarId, text, answer, gone = false) {
  note.value = { text, avatarId, changeId: answer.headers.get('Anima-Change'), gone };
  said.value = text;
  changed.value += 1;
}

/** @param {string} avatarId @param {'facts' | 'episodes'} kind @param {string} id @param {Record<string, any>} difference @param {string} text */
export const correct = (avatarId, kind, id, difference, text) =>
  attempt(async () => {
    const init = { method: 'PATCH', headers: JSON_TYPE, body: JSON.stringify(difference) };
    tell(avatarId, text, await send(pathOf(avatarId, kind, id), init));
  });

/** Forgets it; gone from every answer at once. @param {string} avatarId @param {'facts' | 'episodes'} kind @param {string} id @param {string} title */
export const forget = (avatarId, kind, id, title) =>
  attempt(async () => {
    tell(avatarId, `Forgotten: ${title}`, await send(pathOf(avatarId, kind, id), { method: 'DELETE' }), true);
  });

/** @param {string} avatarId @param {string} changeId */
export const undo = (avatarId, changeId) =>
  attempt(async () => {
    note.value = null;
    await send(`/avatars/${avatarId}/memories/changes/${changeId}/undo`, { method: 'POST' });
    said.value = 'Undone.';
    changed.value += 1;
  });

/** Tells of the last change for a while, with a way back. */
export function Undo() {
  const shown = note.value;
  const back = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    if (!shown) return undefined;
    if (shown.gone) back.current?.focus(); // the button that was pressed goes with what was forgotten
    const timer = setTimeout(() => (note.value = null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  if (!shown) return null;
  const { text, avatarId, changeId } = shown;
  return html`<div class="toast" role="group" aria-label="Last change">
    <span>${text}</span>
    ${changeId && html`<button type="button" ref=${back} class="quiet-button" onClick=${() => undo(avatarId, changeId)}>Undo</button>`}
    <button type="button" class="ghost" aria-label="Put this note away" onClick=${() => (note.value = null)}><${Icon} name="close" /></button>
  </div>`;
}
