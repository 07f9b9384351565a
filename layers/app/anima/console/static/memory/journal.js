// What was changed of a memory in the last day, each with a way back.

import { html } from 'htm/preact';
import { When } from '../js/time.js';
import { undo } from './changes.js';
import { spoken } from './held.js';
import { useListing } from './listing.js';

/** @import { Listing } from './listing.js' */
/** @import { ChangeOut } from './types.js' */

/** @type {Record<string, string>} */
const ACTS = { correct: 'Corrected', confirm: 'Confirmed', pin: 'Pinned', unpin: 'Not pinned any more', forget: 'Forgotten' };

/** @param {{ avatarId: string }} props */
export function RecentChanges({ avatarId }) {
  /** @type {Listing<ChangeOut>} */
  const { items } = useListing(`/avatars/${avatarId}/memories/changes`, 20);
  if (!items.value?.length) return null;
  return html`<details class="journal">
    <summary>What you changed in the last day</summary>
    <ul>
      ${items.value.map(
        (one) => html`<li key=${one.change_id} class="row">
          <span>${ACTS[one.action] ?? one.action}: ${spoken(one.title)} <span class="quiet"><${When} at=${one.made_at} /></span></span>
          ${one.undone_at
            ? html`<span class="quiet">undone</span>`
            : html`<button type="button" class="quiet-button" aria-label=${`Undo: ${ACTS[one.action] ?? one.action} ${spoken(one.title)}`} onClick=${() => undo(avatarId, one.change_id)}>Undo</button>`}
        </li>`,
      )}
    </ul>
  </details>`;
}
