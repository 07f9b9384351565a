// The original of a document, shown by what it is, and brought to the place of the passage that was chosen.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { bytes } from '../js/time.js';
import { clockOf } from '../js/words.js';

/** @import { ChunkAnswer, DocumentAnswer } from './types.js' */

const READ_BYTES = 2_000_000;

/** @param {DocumentAnswer} one */
export const fileOf = (one) => `/api/v1/documents/${one.document_id}/file`;

/** @typedef {{ document: DocumentAnswer, chunk: ChunkAnswer | null }} Shown */

/** @param {Shown} props */
function Pdf({ document: one, chunk }) {
  const page = chunk?.location.page ?? 1;
  // a new frame for each page: a change behind the # alone does not move every viewer
  return html`<iframe key=${page} class="frame" title=${`${one.title}, page ${page}`} src=${`${fileOf(one)}#page=${page}&navpanes=0&view=FitH`} />`;
}

/** @param {Shown & { tag: 'audio' | 'video' }} props */
function Recording({ document: one, chunk, tag }) {
  const player = useRef(/** @type {HTMLMediaElement | null} */ (null));
  const broken = useSignal(false);
  const second = chunk?.location.second_start;
  useEffect(() => {
    if (player.current && second !== undefined && second !== null) player.current.currentTime = second;
  }, [second]);
  const ready = () => {
    if (player.current && second) player.current.currentTime = second;
  };
  return html`<${tag} ref=${player} class="player" controls preload="metadata" src=${fileOf(one)} onLoadedMetadata=${ready} onError=${() => (broken.value = true)} />
    ${broken.value && html`<p class="quiet">This browser cannot play it. Download it to hear it.</p>`}
    ${second !== undefined && second !== null && html`<p class="quiet">At ${clockOf(second)}${chunk?.location.speaker ? `, ${chunk.location.speaker} speaks` : ''}.</p>`}`;
}

/** @param {Shown} props */
function Picture({ document: one }) {
  const broken = useSignal(false);
  if (broken.value) return html`<p class="quiet">This browser cannot show a picture of this kind. Download it to see it.</p>`;
  return html`<img class="picture" src=${fileOf(one)} alt=${one.title} onError=${() => (broken.value = true)} />`;
}

/** The lines of a text, those of the passage marked. @param {Shown} props */
function Lines({ document: one, chunk }) {
  const text = useSignal(/** @type {string | null} */ (null));
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    fetch(fileOf(one))
      .then((answer) => (answer.ok ? answer.text() : ''))
      .then((read) => {
        text.value = read;
      })
      .catch(() => {
        text.value = '';
      });
  }, [one.document_id]);
  const first = chunk?.location.line_start ?? chunk?.location.row_start ?? 0;
  const last = chunk?.location.line_end ?? chunk?.location.row_end ?? first;
  useEffect(() => {
    place.current?.querySelector('mark')?.scrollIntoView({ block: 'center' });
  }, [first, text.value]);
  if (text.value === null) return html`<p class="waiting" role="status">Opening…</p>`;
  const lines = text.value.split(/\r?\n/);
  const before = first ? lines.slice(0, first - 1) : lines;
  const marked = first ? lines.slice(first - 1, last) : [];
  const after = first ? lines.slice(last) : [];
  return html`<pre class="lines-of" ref=${place} tabindex="0">${before.join('\n')}${before.length && marked.length ? '\n' : ''}${marked.length > 0 && html`<mark>${marked.join('\n')}</mark>`}${after.length ? `\n${after.join('\n')}` : ''}</pre>`;
}

/** What a browser does not show: the passage as it was read. @param {Shown} props */
function AsRead({ document: one, chunk }) {
  return html`<div class="as-read">
    <p class="quiet">A browser does not show this kind of file. <a href=${fileOf(one)} download=${one.name ?? one.title}>Download it (${bytes(one.size_bytes)})</a> to see it as it is.</p>
    ${chunk ? html`<blockquote class="cited">${chunk.text}</blockquote>` : one.state === 'done' && html`<p class="quiet">Choose a passage to read it here.</p>`}
  </div>`;
}

/** @param {Shown} props */
export function Original(props) {
  const { mime_type: kind, size_bytes: size, state, stage } = props.document;
  const type = kind ?? '';
  if (!kind && (state === 'queued' || stage === 'fetch')) return html`<p class="quiet">The file is not here yet.</p>`;
  if (type === 'application/pdf') return html`<${Pdf} ...${props} />`;
  if (type.startsWith('image/')) return html`<${Picture} ...${props} />`;
  if (type.startsWith('audio/')) return html`<${Recording} ...${props} tag="audio" />`;
  if (type.startsWith('video/')) return html`<${Recording} ...${props} tag="video" />`;
  const readable = type.startsWith('text/') || /json|xml$|javascript|yaml|x-sh/.test(type);
  return readable && type !== 'text/html' && size <= READ_BYTES ? html`<${Lines} ...${props} />` : html`<${AsRead} ...${props} />`;
}
