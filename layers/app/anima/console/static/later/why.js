// Why an answer came out as it did: memories, passages, feeling, model, time and tokens; and what one thinks of it.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, post } from '../js/api.js';
import { said } from '../js/house.js';
import { href, openDrawer, route } from '../js/route.js';
import { seconds } from '../js/time.js';
import { placeOf } from '../js/words.js';
import { Conduct, Feeling, Lore } from './manner.js';
import { Kept, Memory } from './recalled.js';

/** @import { Reply } from '../js/types.js' */

/** @type {Record<string, string>} */
const STEPS = {
  embed: 'Reading the question',
  load: 'Looking up',
  first_token: 'Until the first word',
  model: 'The model, in all',
  total: 'Everything',
};

// in the order in which the model reads them
const SECTIONS = ['persona', 'examples', 'history', 'lore', 'context', 'question'];

/** Name and value pairs. @param {{ pairs: [string, any][] }} props */
function Table({ pairs }) {
  return html`<dl>
    ${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** @param {{ reply: Reply, onRated: (feedback: Reply['feedback']) => void }} props */
function Rating({ reply, onRated }) {
  const comment = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const rating = reply.feedback?.rating ?? 0;
  /** @param {number} value */
  async function rate(value) {
    try {
      const note = comment.current?.value.trim() || null;
      onRated(await post(`/responses/${reply.response_id}/feedback`, { rating: value, comment: note }));
      said.value = 'Thank you, that was kept.';
    } catch (error) {
      failure.value = asFailure(error);
    }
  }
  return html`<section>
    <h3>What do you think of it?</h3>
    <fieldset class="stars">
      <legend class="unseen">Stars</legend>
      ${[1, 2, 3, 4, 5].map(
        (value) => html`<label data-on=${value <= rating}>
          <input type="radio" name="rating" value=${value} checked=${value === rating} onChange=${() => rate(value)} />
          <span class="unseen">${value} of 5</span><span aria-hidden="true">★</span>
        </label>`,
      )}
      <span class="quiet">${rating ? `${rating} of 5` : 'not rated'}</span>
    </fieldset>
    <label class="unseen" for="comment">Comment</label>
    <textarea id="comment" ref=${comment} rows="2" placeholder="A comment, if you like" defaultValue=${reply.feedback?.comment ?? ''} onChange=${() => rating && rate(rating)} />
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
  </section>`;
}

/** @param {{ reply: Reply }} props */
function Passages({ reply }) {
  if (!reply.citations.length) return html`<p class="quiet">It cites no document.</p>`;
  return html`<ol class="used">
    ${reply.citations.map(
      (one) => html`<li>
        <p>“${one.quote}”</p>
        <button type="button" class="quiet-button" onClick=${() => openDrawer({ passage: one.chunk_id })}>
          ${[`[${one.marker}] ${one.title}`, placeOf(one.location)].filter(Boolean).join(', ')}
        </button>
      </li>`,
    )}
  </ol>`;
}

/** @param {{ reply: Reply }} props */
function Cost({ reply }) {
  const { usage, timings, model } = reply;
  const known = Object.keys(STEPS).filter((name) => timings[name] !== undefined);
  /** @type {[string, any][]} */
  const tokens = [
    ['Model', model.name ? `${model.name} (${model.provider})` : 'none'],
    ['Prompt', `${usage.prompt_tokens ?? '?'} tokens${usage.cached_tokens ? `, ${usage.cached_tokens} of them known` : ''}`],
    ['Answer', `${usage.completion_tokens ?? '?'} tokens`],
  ];
  return html`<${Table} pairs=${[...tokens, ...known.map((name) => [STEPS[name], seconds(timings[name] ?? 0)])]} />`;
}

/** What was decided of the question before the model saw it. @type {Record<string, string>} */
const GATES = {
  talk: 'Small talk: nothing had to be known for it.',
  said: 'The answer stands in what was said just before.',
  known: 'It knew something that answers this.',
  unknown: 'Nothing that it knows answers this, and the model was told so.',
  open: 'It may know something of this.',
};

/** What the prompt was made of, by its share of tokens. @param {{ parameters: Record<string, any> }} props */
function Prompt({ parameters }) {
  const found = parameters.sections ?? {};
  /** @type {[string, number][]} */
  const sections = SECTIONS.filter((name) => name in found).map((name) => [name, found[name]]);
  const whole = sections.reduce((sum, [, tokens]) => sum + tokens, 0);
  if (!whole) return null;
  return html`<section>
    <h3>What the prompt was made of</h3>
    <dl class="shares">
      ${sections.map(
        ([name, tokens]) => html`<div>
          <dt>${name}</dt>
          <dd>
            <progress max=${whole} value=${tokens} aria-hidden="true" />
            <span>${Math.round((100 * tokens) / whole)} %, ${tokens} tokens</span>
          </dd>
        </div>`,
      )}
    </dl>
  </section>`;
}

/** @param {{ responseId: number }} props */
export function Why({ responseId }) {
  const reply = useSignal(/** @type {Reply | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const parameters = useSignal(/** @type {Record<string, any>} */ ({}));
  useEffect(() => {
    get(`/responses/${responseId}`)
      .then((/** @type {any} */ found) => {
        reply.value = found;
        get(`/requests/${found.request_id}`)
          .then((/** @type {any} */ request) => (parameters.value = request.parameters))
          .catch(() => {}); // without it the rest is shown all the same
      })
      .catch((error) => {
        failure.value = asFailure(error);
      });
  }, [responseId]);
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  const shown = reply.value;
  if (!shown) return html`<p class="waiting" role="status">Opening…</p>`;
  const rated = (/** @type {Reply['feedback']} */ feedback) => {
    reply.value = { ...shown, feedback };
  };
  const egress = shown.egress;
  const then = href({ place: 'memory', avatar: route.value.avatar, query: new URLSearchParams({ at: shown.created_at }).toString() });
  return html`<div class="why">
    ${egress && (egress.kept_local.length > 0 || egress.left_out > 0) && html`<${Kept} egress=${egress} />`}
    <section>
      <h3>Memories it was given</h3>
      ${GATES[parameters.value.gate] && html`<p class="quiet gate">${GATES[parameters.value.gate]}</p>`}
      ${shown.memories.length
        ? html`<ul class="used">${shown.memories.map((one) => html`<${Memory} key=${one.id} memory=${one} />`)}</ul>`
        : html`<p class="quiet">None: nothing that was kept fits the question.</p>`}
      <p class="quiet then"><a href=${then}>What was known at that time</a></p>
    </section>
    <section><h3>Passages it cites</h3><${Passages} reply=${shown} /></section>
    <section><h3>Feeling, before and after</h3><${Feeling} reply=${shown} /></section>
    <${Conduct} parameters=${parameters.value} />
    <${Lore} parameters=${parameters.value} />
    <section><h3>Model and time</h3><${Cost} reply=${shown} /></section>
    <${Prompt} parameters=${parameters.value} />
    <${Rating} reply=${shown} onRated=${rated} />
  </div>`;
}
