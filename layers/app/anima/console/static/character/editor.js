// An avatar's personality, edited as a form or as text, beside what it becomes.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, post } from '../js/api.js';
import { avatars, said } from '../js/house.js';
import { go, route } from '../js/route.js';
import { Form } from './form.js';
import { Preview } from './preview.js';
import { Source } from './source.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Personality, Problem, Verdict } from './types.js' */

const WAIT_MS = 250;

/** What was written and not kept yet, by avatar: it is still there when one comes back. @type {Map<string, string>} */
const drafts = new Map();
addEventListener('beforeunload', (event) => {
  if (drafts.size) event.preventDefault();
});

/** In this order a personality is read most easily; the database keeps none. */
const ORDER =
  'name description language tone style expertise limits phrases emojis affinity_range triggers modifiers decay user reply persona scenario first_message alternate_greetings directions hierarchical_config enabled relationship_levels default_mood moods big_five humour_style love_language attachment_style interests values advanced_parameters examples lorebook source'.split(
    ' ',
  );
const rank = (/** @type {string} */ key) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);

/** @param {any} value @returns {any} */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).sort((one, other) => rank(one) - rank(other));
  return Object.fromEntries(keys.map((key) => [key, ordered(value[key])]));
}

/** @param {Personality} data */
export const written = (data) => JSON.stringify(ordered(data), null, 2);

/** @param {string} text @returns {Personality | null} */
export function read(text) {
  try {
    const data = JSON.parse(text);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? data : null;
  } catch {
    return null;
  }
}

/** What the API finds wrong with a text, once it is left alone for a moment. @param {string} text */
export function useProblems(text) {
  const problems = useSignal(/** @type {Problem[] | null} */ (null));
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    const timer = setTimeout(
      () =>
        post('/personalities/validate', { text })
          .then((/** @type {Verdict} */ verdict) => {
            if (mine === turn.current) problems.value = verdict.errors;
          })
          .catch((error) => {
            if (mine === turn.current) problems.value = [{ path: '', message: asFailure(error).message }];
          }),
      WAIT_MS,
    );
    return () => clearTimeout(timer);
  }, [text]);
  return problems;
}

/** How a personality is called, which is what closeness is kept by. @param {Personality | null} data */
const called = (data) => String(data?.persona?.name ?? '').trim().toLowerCase();

/** @param {{ how: 'form' | 'text', onChoose: (how: string) => void }} props */
function Ways({ how, onChoose }) {
  const way = (/** @type {string} */ name, /** @type {string} */ words) =>
    html`<button type="button" aria-pressed=${how === name} onClick=${() => onChoose(name)}>${words}</button>`;
  return html`<div class="ways row" role="group" aria-label="How to edit it">${way('form', 'As a form')}${way('text', 'As text')}</div>`;
}

/** Goes to the list of problems, which stands below a text that may be long. */
function showProblems() {
  const first = /** @type {HTMLElement | null} */ (document.querySelector('.problems button'));
  first?.focus({ preventScroll: true });
  first?.scrollIntoView({ block: 'center' });
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Editor({ avatar }) {
  const id = avatar.avatar_id;
  const kept = written(avatar.personality);
  const text = useSignal(drafts.get(id) ?? kept);
  const valid = useSignal(/** @type {Personality} */ (avatar.personality)); // the last that was valid: the preview stays while one writes
  const edited = useSignal('');
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const problems = useProblems(text.value);
  const how = new URLSearchParams(route.value.query).get('as') === 'text' ? 'text' : 'form';
  const data = read(text.value);
  const dirty = text.value !== kept;
  const found = problems.value ?? [];
  useEffect(() => {
    if (problems.value?.length === 0 && data) valid.value = data;
  }, [problems.value]);

  /** @param {string} now @param {string} [path] */
  function change(now, path = 'as text') {
    text.value = now;
    edited.value = path;
    if (now === kept) drafts.delete(id);
    else drafts.set(id, now);
  }

  async function keep() {
    busy.value = true;
    failure.value = null;
    try {
      /** @type {AvatarAnswer} */
      const now = await post(`/avatars/${id}`, { personality: data }, 'PATCH');
      drafts.delete(id);
      avatars.value = (avatars.value ?? []).map((one) => (one.avatar_id === id ? now : one));
      text.value = written(now.personality);
      said.value = 'The personality was kept; the one before is under “Versions”.';
    } catch (error) {
      failure.value = asFailure(error);
    }
    busy.value = false;
  }

  const state = found.length ? `${found.length === 1 ? 'One problem' : `${found.length} problems`} to mend first` : dirty ? 'Not kept yet' : 'As it is kept';
  return html`<div class="editor">
    <div class="edited">
      <${Ways} how=${how} onChoose=${(/** @type {string} */ to) => go({ ...route.value, query: to === 'text' ? 'as=text' : undefined }, { replace: true })} />
      ${how === 'text' && html`<${Source} text=${text.value} problems=${found} onChange=${change} />`}
      ${how === 'form' && data && html`<${Form} data=${data} onChange=${(/** @type {Personality} */ next, /** @type {string} */ path) => change(written(next), path)} />`}
      ${how === 'form' &&
      (!data || found.length > 0) &&
      html`<p class="note warning" role="status">
        ${data ? `${found[0]?.path} ${found[0]?.message}` : 'The text cannot be read as JSON.'}${' '}
        <button type="button" class="quiet-button" onClick=${() => go({ ...route.value, query: 'as=text' }, { replace: true })}>Mend it in the text</button>
      </p>`}
      <div class="keep">
        ${failure.value && html`<${Alert} failure=${failure.value} onClose=${() => (failure.value = null)} />`}
        ${dirty && called(data) !== called(avatar.personality) && html`<p class="note warning">Under another name of the personality a new relationship begins; the old one comes back with the old name.</p>`}
        <div class="row">
          <button type="button" class="primary" disabled=${!dirty || !data || found.length > 0 || busy.value} onClick=${keep}>${busy.value ? 'Keeping…' : 'Keep it'}</button>
          ${dirty && html`<button type="button" onClick=${() => change(kept)}>Back to what is kept</button>`}
          <span class="quiet" role="status">${state}</span>
          ${how === 'text' && found.length > 0 && html`<button type="button" class="quiet-button" onClick=${showProblems}>Which?</button>`}
        </div>
      </div>
    </div>
    <${Preview} data=${valid.value} name=${avatar.name} edited=${edited.value} />
  </div>`;
}
