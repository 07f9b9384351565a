// One document in words: its state, counts, what could not be read, and what can be done about it.

import { html } from 'htm/preact';
import { post, remove } from '../js/api.js';
import { sure } from '../js/ask.js';
import { attempt, said } from '../js/house.js';
import { href } from '../js/route.js';
import { When, bytes } from '../js/time.js';
import { countOf, isOver, leftOf, shareOf, stageOf } from '../js/words.js';

/** @import { DocumentAnswer } from './types.js' */

const SILENT_MS = 100_000; // a worker that has written nothing for so long is gone

/** Whether it can be tried again. @param {DocumentAnswer} one */
export function isStuck(one) {
  if (one.state === 'failed' || one.state === 'unsearchable') return true;
  return one.state === 'running' && one.stage !== 'index' && Date.now() - Date.parse(one.updated_at) > SILENT_MS;
}

/** @param {DocumentAnswer} one @param {() => void} then */
export const again = (one, then) =>
  attempt(async () => {
    await post(`/documents/${one.document_id}/retry`, {});
    said.value = `${one.title} is tried again.`;
    then();
  });

/** @param {DocumentAnswer} one @param {() => void} then */
export const forget = (one, then) =>
  attempt(async () => {
    if (!(await sure(`Delete “${one.title}”? Answers that cite it will no longer open it.`, 'Delete'))) return;
    await remove(`/documents/${one.document_id}`);
    said.value = 'Deleted.';
    then();
  });

/** How it is, as a mark and words. @param {{ document: DocumentAnswer }} props */
export function Standing({ document: one }) {
  const over = isOver(one.state);
  const passages = `${one.chunks_total ?? 0} passage${one.chunks_total === 1 ? '' : 's'}`;
  const told =
    one.state === 'done' ? [passages] : [stageOf(one), ...(over ? [] : [countOf(one), leftOf(one.seconds_left)])];
  return html`<span class="mark" data-mark=${one.state}>${told.filter(Boolean).join(' · ')}</span>`;
}

/** The parts that nothing could read, named. @param {{ document: DocumentAnswer }} props */
export function UnreadParts({ document: one }) {
  if (!one.unread.length) return null;
  const count = one.unread.length;
  return html`<details class="unread">
    <summary>${count === 1 ? 'One part' : `${count} parts`} could not be read</summary>
    <ul>
      ${one.unread.map(({ what, reason }) => html`<li>${what}: ${reason}</li>`)}
    </ul>
  </details>`;
}

/** @param {{ document: DocumentAnswer, onChange: () => void }} props */
export function Entry({ document: one, onChange }) {
  const over = isOver(one.state);
  const path = one.metadata.path && one.metadata.path !== one.title ? one.metadata.path : null;
  return html`<li class="item">
    <div>
      <p><a class="plain-link" href=${href({ place: 'documents', document: one.document_id })}>${one.title}</a></p>
      <p class="quiet">
        <${Standing} document=${one} />
        ${' · '}${one.doc_type}${one.size_bytes ? ` · ${bytes(one.size_bytes)}` : ''}${' · '}
        ${one.purpose !== 'context' && `${one.purpose} · `}${path && `${path} · `}<${When} at=${one.created_at} />
      </p>
      ${!over && html`<progress max="1" value=${shareOf(one)} aria-label=${`Progress of ${one.title}`} />`}
      ${one.reason && html`<p class="quiet reason">${one.reason}</p>`}
      <${UnreadParts} document=${one} />
    </div>
    <div class="row">
      ${isStuck(one) &&
      html`<button type="button" class="quiet-button" aria-label=${`Retry ${one.title}`} onClick=${() => again(one, onChange)}>Retry</button>`}
      <button type="button" class="quiet-button" aria-label=${`Delete ${one.title}`} onClick=${() => forget(one, onChange)}>Delete</button>
    </div>
  </li>`;
}
