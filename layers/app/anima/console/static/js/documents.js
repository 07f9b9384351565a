// The documents that answers may cite: dropped here or onto a talk, each with its state.

import { useSignal, useSignalEffect } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { get, remove } from './api.js';
import { sure } from './ask.js';
import { Choose, Uploads } from './composer.js';
import { attempt, said } from './house.js';
import { MenuButton } from './rail.js';
import { When, bytes } from './time.js';
import { add, isOver, stageOf, uploads } from './uploads.js';

/** @import { DocumentAnswer } from './types.js' */

const LOOK_AGAIN_MS = 2000;

/** @param {{ document: DocumentAnswer, onGone: () => void }} props */
function Document({ document: one, onGone }) {
  const forget = () =>
    attempt(async () => {
      if (!(await sure(`Delete “${one.title}”? Answers that cite it will no longer open it.`, 'Delete'))) return;
      await remove(`/documents/${one.document_id}`);
      onGone();
      said.value = 'Deleted.';
    });
  const counted = one.chunks_total ? `${one.chunks_done} of ${one.chunks_total} passages` : '';
  const state = one.state === 'done' ? `${one.chunks_total} passages` : `${stageOf(one)} ${counted}`;
  return html`<li class="item">
    <div>
      <p>${one.title}</p>
      <p class="quiet">
        <span class="mark" data-mark=${one.state}>${one.reason ?? state}</span>
        ${' · '}${one.doc_type} · ${bytes(one.size_bytes)} · <${When} at=${one.created_at} />
      </p>
    </div>
    <button type="button" class="quiet-button" aria-label=${`Delete ${one.title}`} onClick=${forget}>Delete</button>
  </li>`;
}

export function Documents() {
  const found = useSignal(/** @type {DocumentAnswer[] | null} */ (null));
  const over = useSignal(false);
  const load = async () => {
    found.value = (await get('/documents?limit=100')).items;
  };
  useSignalEffect(() => {
    // anew whenever a file of this page has come to its end
    void uploads.value.filter((one) => isOver(one.state)).length;
    void attempt(load);
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (found.value?.some((one) => !isOver(one.state))) void attempt(load);
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);

  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    over.value = false;
    add([...(event.dataTransfer?.files ?? [])]);
  }

  return html`<div class="page">
    <header class="title"><${MenuButton} /><h1>Documents</h1></header>
    <div
      class="drop"
      data-over=${over.value}
      onDragEnter=${() => (over.value = true)}
      onDragLeave=${() => (over.value = false)}
      onDrop=${dropped}
    >
      <p>Drop text, Markdown, HTML or PDF files here, or${' '}<${Choose} kind="quiet-button">choose them<//>.</p>
      <p class="quiet">Answers cite them, and every citation opens its passage.</p>
    </div>
    <${Uploads} />
    ${found.value?.length === 0 && html`<p class="empty">No document yet. The first one you drop can be asked about within seconds.</p>`}
    <ul class="items">
      ${(found.value ?? []).map((one) => html`<${Document} key=${one.document_id} document=${one} onGone=${() => attempt(load)} />`)}
    </ul>
  </div>`;
}
