// A summary of a whole document, or an answer from all of it: what it costs beforehand, how far it is, its sources.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { get, post, remove } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { Markdown } from '../js/markdown.js';
import { go } from '../js/route.js';
import { When } from '../js/time.js';
import { duration } from '../js/words.js';

/** @import { EstimateAnswer, SummaryAnswer } from './types.js' */

const LOOK_AGAIN_MS = 700;
const SENTENCES = 5;
const OPEN = ['queued', 'running'];

/** @param {EstimateAnswer} cost */
function priced(cost) {
  if (cost.mode === 'extractive') return 'It is made of the document’s own sentences and costs nothing.';
  const calls = `${cost.calls} call${cost.calls === 1 ? '' : 's'} of ${cost.model ?? 'the model'}`;
  const tokens = `about ${(cost.tokens + cost.completion_tokens).toLocaleString('en')} tokens`;
  const rest = [cost.seconds && `about ${duration(cost.seconds)}`, cost.money !== null && `about $${cost.money.toFixed(cost.money < 0.1 ? 4 : 2)}`];
  return `It takes ${[calls, tokens, ...rest].filter(Boolean).join(', ')}.`;
}

/** @param {{ documentId: number, onAsked: () => void }} props */
function Wish({ documentId, onAsked }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const cost = useSignal(/** @type {EstimateAnswer | null} */ (null));
  const wish = () => ({ sentences: SENTENCES, ...(field.current?.value.trim() ? { instruction: field.current.value.trim() } : {}) });
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    void attempt(async () => {
      if (cost.value === null) {
        cost.value = (await post(`/documents/${documentId}/summary`, { ...wish(), dry_run: true })).estimate;
        return;
      }
      cost.value = null;
      await post(`/documents/${documentId}/summary`, wish());
      if (field.current) field.current.value = '';
      onAsked();
    });
  }
  return html`<form class="stack wish" onSubmit=${submitted}>
    <label>
      A question that all of it answers; leave it empty for a summary
      <input ref=${field} maxlength="4000" placeholder="Which risks does it name?" onInput=${() => (cost.value = null)} />
    </label>
    <p class="row" role="status">
      <button class=${cost.value ? 'primary' : ''}>${cost.value ? 'Do it' : 'What would it cost?'}</button>
      ${cost.value && html`<span class="quiet">${priced(cost.value)}</span>`}
    </p>
  </form>`;
}

/** @param {{ summary: SummaryAnswer, onChange: () => void }} props */
function Made({ summary, onChange }) {
  const open = OPEN.includes(summary.state);
  const away = () =>
    attempt(async () => {
      await remove(`/summaries/${summary.summary_id}`);
      said.value = open ? 'Cancelled.' : 'Removed.';
      onChange();
    });
  /** @param {MouseEvent} event */
  function cited(event) {
    const marker = /** @type {HTMLElement} */ (event.target).closest?.('.cite')?.getAttribute('data-marker');
    const found = summary.citations.find((one) => String(one.marker) === marker);
    if (found) go({ place: 'documents', document: found.document_id, passage: found.chunk_id }, { replace: true });
  }
  return html`<li class="summary" onClick=${cited}>
    ${summary.instruction && html`<h3>${summary.instruction}</h3>`}
    ${summary.text && html`<${Markdown} text=${summary.text} />`}
    ${open &&
    html`<p class="row">
      <progress max=${Math.max(1, summary.parts_total)} value=${summary.parts_done} aria-label="Progress of the summary" />
      <span class="quiet">${summary.parts_total ? `${summary.parts_done} of ${summary.parts_total} parts` : 'Beginning'}</span>
    </p>`}
    ${summary.reason && html`<p class="note">${summary.reason}</p>`}
    ${summary.state === 'cancelled' && html`<p class="note">Cancelled.</p>`}
    <p class="quiet">
      ${summary.mode === 'extractive' ? 'its own sentences' : (summary.model ?? summary.mode)} · <${When} at=${summary.created_at} />${' · '}
      <button type="button" class="quiet-button" onClick=${away}>${open ? 'Cancel' : 'Remove'}</button>
    </p>
  </li>`;
}

/** @param {{ documentId: number }} props */
export function Summaries({ documentId }) {
  const made = useSignal(/** @type {SummaryAnswer[]} */ ([]));
  const load = async () => {
    made.value = (await get(`/documents/${documentId}/summaries?limit=20`)).items;
  };
  useEffect(() => {
    void attempt(load);
    const timer = setInterval(() => {
      if (made.value.some((one) => OPEN.includes(one.state))) void load().catch(() => {});
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [documentId]);
  return html`<details class="summaries" open=${made.value.length > 0}>
    <summary>Sum it up, or ask all of it</summary>
    <ul>
      ${made.value.map((one) => html`<${Made} key=${one.summary_id} summary=${one} onChange=${() => attempt(load)} />`)}
    </ul>
    <${Wish} documentId=${documentId} onAsked=${() => attempt(load)} />
  </details>`;
}
