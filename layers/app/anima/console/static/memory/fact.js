// One fact in the drawer: to correct, what it was before, and every message that said it.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { closeDrawer } from '../js/route.js';
import { When } from '../js/time.js';
import { changed, correct, forget } from './changes.js';
import { Standing } from './facts.js';
import { Day, Held, SourceLink, spoken } from './held.js';

/** @import { FactOut, MentionOut, WholeFact } from './types.js' */

/** @param {string | null} iso */
const dayOf = (iso) => (iso ?? '').slice(0, 10);

/** What the form says that differs from the fact. @param {FormData} form @param {FactOut} fact */
function difference(form, fact) {
  const day = (/** @type {string} */ name) => (form.get(name) ? new Date(`${form.get(name)}T00:00:00Z`).toISOString() : null);
  const value = String(form.get('value') ?? '').trim();
  return {
    ...(value && value !== String(fact.value) ? { value: typeof fact.value === 'number' && !Number.isNaN(Number(value)) ? Number(value) : value } : {}),
    ...(form.get('since') !== dayOf(fact.true_from) ? { true_from: day('since') } : {}),
    ...(form.get('until') !== dayOf(fact.true_until) ? { true_until: day('until') } : {}),
  };
}

/** @param {{ fact: FactOut, avatarId: string }} props */
function Correction({ fact, avatarId }) {
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    const given = difference(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)), fact);
    if (Object.keys(given).length) void correct(avatarId, 'facts', fact.id, given, `Corrected: ${spoken(fact.text)}`);
  }
  const plain = ['string', 'number'].includes(typeof fact.value);
  return html`<form class="stack correction" key=${`${fact.id}/${fact.last_updated}`} onSubmit=${submitted}>
    ${plain
      ? html`<label>What it should say <input name="value" required maxlength="500" autocomplete="off" defaultValue=${String(fact.value)} /></label>`
      : html`<p class="quiet">${JSON.stringify(fact.value)}</p>`}
    <div class="two">
      <label>Holds since <input name="since" type="date" defaultValue=${dayOf(fact.true_from)} /></label>
      <label>until <input name="until" type="date" defaultValue=${dayOf(fact.true_until)} /></label>
    </div>
    <div class="row">
      <button class="primary">Correct it</button>
      ${fact.status !== 'confirmed' &&
      html`<button type="button" onClick=${() => correct(avatarId, 'facts', fact.id, { confirmed: true }, `Confirmed: ${spoken(fact.text)}`)}>That is right</button>`}
      <button type="button" aria-pressed=${fact.pinned} onClick=${() => correct(avatarId, 'facts', fact.id, { pinned: !fact.pinned }, `${fact.pinned ? 'Not pinned any more' : 'Pinned'}: ${spoken(fact.text)}`)}>
        ${fact.pinned ? 'Unpin' : 'Pin'}
      </button>
    </div>
  </form>`;
}

/** What it was, the newest first. @param {{ all: FactOut[] }} props */
function Timeline({ all }) {
  const inOrder = [...all].sort((one, other) => Number(other.is_active) - Number(one.is_active) || other.learned_at.localeCompare(one.learned_at));
  return html`<ol class="timeline">
    ${inOrder.map(
      (one) => html`<li key=${one.id} data-active=${one.is_active}>
        <p>${spoken(one.text)}</p>
        <p class="quiet">
          <${Held} fact=${one} />${' · learnt '}<${Day} at=${one.learned_at} />${one.ended_at && html`${', given up '}<${Day} at=${one.ended_at} />`}
        </p>
      </li>`,
    )}
  </ol>`;
}

/** @param {{ mentions: MentionOut[], avatarId: string }} props */
function Mentions({ mentions, avatarId }) {
  if (!mentions.length) return html`<p class="quiet">No message is kept that says it.</p>`;
  return html`<ul class="used">
    ${mentions.map(
      (one) => html`<li>
        <p class="words">“${one.evidence}”</p>
        <p class="quiet"><${SourceLink} avatarId=${avatarId} session=${one.session_id} message=${one.message_id}>you said it <${When} at=${one.date} /><//>${one.gone ? ': it holds no more' : ''}</p>
      </li>`,
    )}
  </ul>`;
}

/** One item of memory, read anew when it was changed. @template T @param {string} path */
export function useItem(path) {
  const found = useSignal(/** @type {T | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const asked = useRef(0);
  useEffect(() => {
    const turn = ++asked.current;
    get(path)
      .then((/** @type {any} */ one) => {
        if (turn !== asked.current) return;
        found.value = one;
        failure.value = null;
      })
      .catch((error) => {
        if (turn === asked.current) failure.value = asFailure(error);
      });
  }, [path, changed.value]);
  return { found, failure };
}

/** @param {{ failure: Failure }} props */
export function Gone({ failure }) {
  if (failure.status === 404) return html`<p class="quiet">It is forgotten.</p>`;
  return html`<${Alert} failure=${failure} />`;
}

/** @param {{ avatarId: string, factId: string }} props */
export function FactDetail({ avatarId, factId }) {
  /** @type {ReturnType<typeof useItem<WholeFact>>} */
  const { found, failure } = useItem(`/avatars/${avatarId}/facts/${factId}`);
  if (failure.value) return html`<${Gone} failure=${failure.value} />`;
  const fact = found.value;
  if (!fact) return html`<p class="waiting" role="status">Remembering…</p>`;
  return html`<div class="why detail">
    <section>
      <h3>${spoken(fact.text)}</h3>
      <p><${Standing} fact=${fact} /></p>
      <p class="quiet"><${Held} fact=${fact} /> · facts do not fade with time</p>
    </section>
    ${fact.is_active && html`<section><h3>Is it right?</h3><${Correction} fact=${fact} avatarId=${avatarId} /></section>`}
    <section><h3>How it came to be</h3><${Timeline} all=${[fact, ...fact.history]} /></section>
    <section><h3>Where it was said</h3><${Mentions} mentions=${fact.mentions} avatarId=${avatarId} /></section>
    <section>
      <button
        type="button"
        class="danger"
        onClick=${() => {
          void forget(avatarId, 'facts', fact.id, spoken(fact.text));
          closeDrawer();
        }}
      >
        Forget it
      </button>
    </section>
  </div>`;
}
