// The end of an avatar: with all that it remembers, and with the talks where that is wanted.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { remove } from '../js/api.js';
import { attempt, avatars, refreshSessions, said } from '../js/house.js';
import { go } from '../js/route.js';
import { Dialog, GoesAndStays } from './dialog.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** @param {{ avatar: AvatarAnswer }} props */
export function Ending({ avatar }) {
  const asked = useSignal(false);
  const talks = useSignal(false);
  const end = async () => {
    await remove(`/avatars/${avatar.avatar_id}${talks.value ? '?sessions=true' : ''}`);
    go({ place: 'home' }, { replace: true });
    avatars.value = (avatars.value ?? []).filter((one) => one.avatar_id !== avatar.avatar_id);
    said.value = `${avatar.name} is deleted.`;
    await attempt(refreshSessions);
  };
  const talksWith = `the talks with ${avatar.name}`;
  return html`<section class="ending">
    <h2>Delete ${avatar.name}</h2>
    <p class="quiet">With all that it remembers. The talks stay to be read, unless you want them to go too.</p>
    <div class="row"><button type="button" class="danger" onClick=${() => (asked.value = true)}>Delete ${avatar.name}…</button></div>
    ${asked.value &&
    html`<${Dialog} title=${`Delete ${avatar.name}?`} act="Delete it" acting="Deleting…" onDone=${end} onClose=${() => (asked.value = false)}>
      <${GoesAndStays}
        goes=${[
          'what it remembers of you: facts, what happened, people and places',
          'how close you are',
          'its open questions and what it found out',
          ...(talks.value ? [`${talksWith} and its moods in them, and past chats that were brought to it`] : []),
        ]}
        stays=${[...(talks.value ? [] : [`${talksWith}, to be read`]), 'what other avatars remember', 'your documents']}
      />
      <label class="choice">
        <input type="checkbox" checked=${talks.value} onChange=${(/** @type {any} */ event) => (talks.value = event.target.checked)} />
        Also delete ${talksWith}
      </label>
      <p>This cannot be undone.</p>
    <//>`}
  </section>`;
}
