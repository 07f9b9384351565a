// The passage that a citation points to, where it stands, and what stands around it.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { href, openDrawer } from '../js/route.js';
import { placeOf } from '../js/words.js';

/** @import { OpenedChunk } from '../js/types.js' */

/** @param {{ chunk: OpenedChunk }} props */
function Source({ chunk }) {
  const uri = chunk.source_uri;
  const link = uri && /^https?:\/\//.test(uri);
  return html`<p class="quiet">
    ${placeOf(chunk.location)}
    <br /><a href=${href({ place: 'documents', document: chunk.document_id, passage: chunk.chunk_id })}>Open it beside the original</a>
    ${uri && html`<br />${link ? html`<a href=${uri} target="_blank" rel="noopener noreferrer">${uri}</a>` : uri}`}
  </p>`;
}

/** @param {{ id: number | null, text: string | null, way: string }} props */
function Neighbour({ id, text, way }) {
  if (id === null || !text) return null;
  return html`<div class="context">
    <p>${text}</p>
    <button type="button" class="quiet-button" onClick=${() => openDrawer({ passage: id })}>${way}</button>
  </div>`;
}

/** @param {{ chunkId: number }} props */
export function Passage({ chunkId }) {
  const chunk = useSignal(/** @type {OpenedChunk | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  useEffect(() => {
    get(`/chunks/${chunkId}`)
      .then((/** @type {any} */ found) => {
        chunk.value = found;
      })
      .catch((error) => {
        failure.value = asFailure(error);
      });
  }, [chunkId]);
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  const shown = chunk.value;
  if (!shown) return html`<p class="waiting" role="status">Opening…</p>`;
  return html`<div class="passage">
    <h3>${shown.title}</h3>
    <${Source} chunk=${shown} />
    <${Neighbour} id=${shown.previous_chunk_id} text=${shown.previous_text} way="Read the passage before" />
    <blockquote class="cited">${shown.text}</blockquote>
    <${Neighbour} id=${shown.next_chunk_id} text=${shown.next_text} way="Read the passage after" />
  </div>`;
}
