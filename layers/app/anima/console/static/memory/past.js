// Past chats from elsewhere: brought in as if they had been lived, with their dates.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { user } from '../js/api.js';
import { Uploads } from '../js/composer.js';
import { href } from '../js/route.js';
import { addTranscripts, uploads } from '../js/uploads.js';
import { changed } from './changes.js';
import { useListing } from './listing.js';
import { Entry } from './past_entry.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Listing } from './listing.js' */
/** @import { TranscriptAnswer } from './types.js' */

/** @param {{ avatar: AvatarAnswer }} props */
function Arrivals({ avatar }) {
  const over = useSignal(false);
  const me = useRef(/** @type {HTMLInputElement | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const take = (/** @type {Iterable<File>} */ files) => addTranscripts(files, avatar.avatar_id, me.current?.value.trim() ?? '');
  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    over.value = false;
    take([...(event.dataTransfer?.files ?? [])]);
  }
  const chosen = () => {
    take([...(input.current?.files ?? [])]);
    if (input.current) input.current.value = '';
  };
  return html`<div class="drop" data-over=${over.value} onDragEnter=${() => (over.value = true)} onDragLeave=${() => (over.value = false)} onDrop=${dropped}>
    <p>
      Drop an export here, or${' '}
      <button type="button" class="quiet-button" onClick=${() => input.current?.click()}>choose a file</button>.
      <input ref=${input} type="file" multiple hidden accept=".json,.zip,.txt,.md" aria-label="Exports of past chats" onChange=${chosen} />
    </p>
    <p class="quiet">ChatGPT (conversations.json or its zip), Claude (JSON or zip), WhatsApp (.txt or .zip), or plain lines of “Name: words”.</p>
    <p class="row for">
      <label for="me">Who you are in it</label>
      <input id="me" ref=${me} autocomplete="off" maxlength="100" placeholder=${user.value?.full_name || user.value?.username || 'your name there'} />
    </p>
    <p class="quiet">${avatar.name} will remember it as if you had talked with ${avatar.name} on those days.</p>
  </div>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Past({ avatar }) {
  const id = avatar.avatar_id;
  /** @type {Listing<TranscriptAnswer>} */
  const { items, more, further } = useListing(`/avatars/${id}/transcripts`);
  const sent = uploads.value.filter((one) => one.documentId !== undefined).length;
  useEffect(() => {
    if (sent) changed.value += 1; // what was sent has become one of the list
  }, [sent]);
  const found = items.value;
  return html`
    <${Arrivals} avatar=${avatar} />
    <${Uploads} sending />
    ${Boolean(found?.length) &&
    html`<ul class="items documents" aria-label="Past chats that were brought in">
      ${found?.map((one) => html`<${Entry} key=${one.document_id} transcript=${one} avatar=${avatar} />`)}
    </ul>`}
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${further}>Older ones</button></p>`}
    ${found?.length === 0 && html`<p class="quiet">None yet. What comes in is found by <a href=${href({ place: 'memory', avatar: id, part: 'search' })}>search</a> at once.</p>`}
  `;
}
