// One document: its passages beside the original, a summary of it, and what can be done with it.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { attempt } from '../js/house.js';
import { MenuButton } from '../js/rail.js';
import { go, href, route } from '../js/route.js';
import { When, bytes } from '../js/time.js';
import { isOver, placeOf, shareOf } from '../js/words.js';
import { Standing, UnreadParts, again, forget, isStuck } from './entry.js';
import { Original, fileOf } from './original.js';
import { Summaries } from './summary.js';

/** @import { ChunkAnswer, DocumentAnswer } from './types.js' */
/** @import { OpenedChunk } from '../js/types.js' */

const LOOK_AGAIN_MS = 1000;
const PAGE = 100;

/** @param {{ documentId: number, chunk: ChunkAnswer, here: boolean }} props */
function Passage({ documentId, chunk, here }) {
  const choose = () => go({ place: 'documents', document: documentId, passage: chunk.chunk_id }, { replace: true });
  return html`<li id=${`passage-${chunk.chunk_id}`}>
    <button type="button" class="piece" aria-pressed=${here} onClick=${choose}>
      <span class="quiet">${placeOf(chunk.location) || `passage ${chunk.chunk_index + 1}`}</span>
      <span class="words">${chunk.text}</span>
    </button>
  </li>`;
}

/** The passage that the address names, wherever it stands. @param {number | undefined} passage @param {ChunkAnswer[]} chunks */
function useChosen(passage, chunks) {
  const chosen = useSignal(/** @type {ChunkAnswer | null} */ (null));
  useEffect(() => {
    const known = chunks.find((one) => one.chunk_id === passage);
    if (passage === undefined) chosen.value = null;
    else if (known) chosen.value = known;
    else if (chosen.value?.chunk_id !== passage) {
      get(`/chunks/${passage}`)
        .then((/** @type {OpenedChunk} */ found) => {
          chosen.value = found;
        })
        .catch(() => {});
    }
  }, [passage, chunks]);
  return chosen.value;
}

/** @param {{ document: DocumentAnswer }} props */
function Beside({ document: one }) {
  const chunks = useSignal(/** @type {ChunkAnswer[]} */ ([]));
  const more = useSignal(/** @type {string | null} */ (null));
  const id = one.document_id;
  const load = async () => {
    const cursor = more.value ? `&cursor=${encodeURIComponent(more.value)}` : '';
    const page = await get(`/documents/${id}/chunks?limit=${PAGE}${cursor}`);
    chunks.value = [...chunks.value, ...page.items];
    more.value = page.next_cursor;
  };
  const { passage } = route.value;
  const chosen = useChosen(passage, chunks.value);
  useEffect(() => {
    if (one.state === 'done') void attempt(load);
  }, [one.state]);
  const shown = chunks.value.some((each) => each.chunk_id === passage);
  useEffect(() => {
    document.getElementById(`passage-${passage}`)?.scrollIntoView({ block: 'nearest' });
  }, [passage, shown]);
  const list = chosen && !shown ? [chosen, ...chunks.value] : chunks.value;
  return html`<div class="beside">
    <section class="pieces" aria-label="Passages" tabindex="0">
      ${one.state === 'done' && !list.length && html`<p class="waiting" role="status">Opening…</p>`}
      ${one.state !== 'done' && html`<p class="quiet">Passages are here once it is ready.</p>`}
      <ol>
        ${list.map((each) => html`<${Passage} key=${each.chunk_id} documentId=${id} chunk=${each} here=${each.chunk_id === passage} />`)}
      </ol>
      ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${() => attempt(load)}>More passages</button></p>`}
    </section>
    <section class="original" aria-label="Original"><${Original} document=${one} chunk=${chosen} /></section>
  </div>`;
}

/** @param {{ document: DocumentAnswer, onChange: () => void }} props */
function Head({ document: one, onChange }) {
  const from = one.uri ?? one.source_uri;
  const link = from && /^https?:\/\//.test(from);
  return html`<header class="title">
      <${MenuButton} />
      <h1>${one.title}</h1>
      <div class="row">
        ${isStuck(one) && html`<button type="button" onClick=${() => again(one, onChange)}>Retry</button>`}
        <a class="button" href=${fileOf(one)} download=${one.name ?? one.title}>Download</a>
        <button type="button" onClick=${() => forget(one, () => go({ place: 'documents' }))}>Delete</button>
      </div>
    </header>
    <p class="quiet">
      <a href=${href({ place: 'documents' })}>Knowledge</a>${' · '}<${Standing} document=${one} />${' · '}${one.doc_type}
      ${one.size_bytes ? ` · ${bytes(one.size_bytes)}` : ''} · ${one.purpose}${one.language ? ` · ${one.language}` : ''}${' · '}
      <${When} at=${one.created_at} />
      ${from && html`${' · '}${link ? html`<a href=${from} target="_blank" rel="noopener noreferrer">${from}</a>` : from}`}
    </p>
    ${!isOver(one.state) && html`<progress class="whole" max="1" value=${shareOf(one)} aria-label="Progress" />`}
    ${one.reason && html`<p class="note reason">${one.reason}</p>`}
    <${UnreadParts} document=${one} />`;
}

/** @param {{ documentId: number }} props */
export function DocumentPage({ documentId }) {
  const found = useSignal(/** @type {DocumentAnswer | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const load = () =>
    get(`/documents/${documentId}`)
      .then((/** @type {DocumentAnswer} */ one) => {
        found.value = one;
        document.title = `${one.title} · Anima`;
      })
      .catch((error) => {
        failure.value = asFailure(error);
      });
  useEffect(() => {
    void load();
    const timer = setInterval(() => {
      if (found.value && !isOver(found.value.state)) void load();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [documentId]);
  if (failure.value) {
    return html`<div class="page"><h1>Document</h1><${Alert} failure=${failure.value} /><p><a href=${href({ place: 'documents' })}>See what is there</a></p></div>`;
  }
  const one = found.value;
  if (!one) return html`<p class="waiting" role="status">Opening…</p>`;
  return html`<div class="page wide document">
    <${Head} document=${one} onChange=${load} />
    ${one.state === 'done' && html`<${Summaries} documentId=${one.document_id} />`}
    <${Beside} document=${one} />
  </div>`;
}
