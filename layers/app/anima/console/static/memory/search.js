// A search of memory: what was found by meaning, by words and by both, with the ranks side by side.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, post } from '../js/api.js';
import { go, href, openDrawer, route } from '../js/route.js';
import { When } from '../js/time.js';
import { changed } from './changes.js';
import { SourceLink, spoken } from './held.js';
import { Terms } from './terms.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Hit } from './types.js' */

const MOST = 30;
/** @type {Record<string, string>} */
const ORDERS = { both: 'Both', meaning: 'By meaning', words: 'By words' };
/** @type {Record<string, string>} */
export const KINDS = { fact: 'fact', episode: 'happened', message: 'said', hint: 'conclusion' };

/** @typedef {{ hit: Hit, both: number, meaning: number | null, words: number | null }} Ranked */

/** The places of the hits by one of their scores; none where the score says nothing. @param {Hit[]} hits @param {string} score */
function placesBy(hits, score) {
  const told = hits.filter((hit) => (hit.scores[score] ?? 0) > 0).sort((one, other) => (other.scores[score] ?? 0) - (one.scores[score] ?? 0));
  return new Map(told.map((hit, index) => [hit, index + 1]));
}

/** @param {Hit[]} hits best first @returns {Ranked[]} */
export function ranked(hits) {
  const [meaning, words] = [placesBy(hits, 'cosine'), placesBy(hits, 'words')];
  return hits.map((hit, index) => ({ hit, both: index + 1, meaning: meaning.get(hit) ?? null, words: words.get(hit) ?? null }));
}

/** @param {{ query: URLSearchParams }} props */
function Question({ query }) {
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    const given = new URLSearchParams();
    for (const [name, value] of new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))) {
      if (String(value).trim()) given.append(name, String(value).trim());
    }
    go({ ...route.value, fact: undefined, episode: undefined, query: given.toString() });
  }
  return html`<form class="stack" role="search" onSubmit=${submitted}>
    <div class="row">
      <label class="unseen" for="q">What to look for</label>
      <input id="q" name="q" type="search" required maxlength="4000" defaultValue=${query.get('q') ?? ''} placeholder="Where did I spend last summer?" />
      <button class="primary">Search</button>
    </div>
    <div class="row filters">
      <label for="kind">Among</label>
      <select id="kind" name="kind">
        <option value="">everything</option>
        ${[['fact', 'facts'], ['episode', 'what happened'], ['message', 'what was said']].map(([kind, words]) => html`<option value=${kind} selected=${query.get('kind') === kind}>${words}</option>`)}
      </select>
      <label class="inline">as known on <input name="at" type="date" defaultValue=${query.get('at') ?? ''} /></label>
    </div>
  </form>`;
}

/** @param {{ one: Ranked, avatarId: string }} props */
function Row({ one, avatarId }) {
  const { hit, both, meaning, words } = one;
  const { session, message_id: message, date, speaker } = hit.source;
  const open = hit.kind === 'fact' ? { fact: hit.id } : hit.kind === 'episode' ? { episode: hit.id } : null;
  const place = (/** @type {number | null} */ rank) => rank ?? html`<span class="quiet" title="Says nothing here">–</span>`;
  return html`<tr>
    <td class="number">${both}</td>
    <td class="number">${place(meaning)}</td>
    <td class="number">${place(words)}</td>
    <th scope="row" class="words">
      ${open ? html`<button type="button" class="plain-button" onClick=${() => openDrawer(open)}>${hit.kind === 'fact' ? spoken(hit.text) : hit.text}</button>` : html`<span class="clamp">${hit.text}</span>`}
      <span class="quiet">
        ${KINDS[hit.kind] ?? hit.kind} · <${SourceLink} avatarId=${avatarId} session=${session} message=${message}>${speaker === 'user' ? 'you' : speaker}, <${When} at=${date} /><//>
      </span>
      <details><summary>Why ${hit.score.toFixed(2)}</summary><${Terms} scores=${hit.scores} /></details>
    </th>
  </tr>`;
}

/** @param {{ hits: Hit[], avatarId: string, order: string, onOrder: (order: string) => void }} props */
function Found({ hits, avatarId, order, onOrder }) {
  const rows = ranked(hits);
  const by = /** @type {'both' | 'meaning' | 'words'} */ (order);
  rows.sort((one, other) => (one[by] ?? Infinity) - (other[by] ?? Infinity) || one.both - other.both);
  return html`<p class="quiet" role="status">The ${hits.length} best of what is remembered. Each column is a ranking of these: press one to sort by it.</p>
    <table class="kept ranks">
      <thead>
        <tr>
          ${Object.entries(ORDERS).map(
            ([name, words]) =>
              html`<th scope="col" class="number" aria-sort=${order === name ? 'ascending' : 'none'}>
                <button type="button" class="plain-button" onClick=${() => onOrder(name)}>${words}</button>
              </th>`,
          )}
          <th scope="col">Memory</th>
        </tr>
      </thead>
      <tbody>${rows.map((one) => html`<${Row} key=${`${one.hit.kind}-${one.hit.id}`} one=${one} avatarId=${avatarId} />`)}</tbody>
    </table>`;
}

/** @param {URLSearchParams} query */
function bodyOf(query) {
  const [kind, at] = [query.get('kind'), query.get('at')];
  return {
    query: query.get('q') ?? '',
    top_k: MOST,
    ...(kind ? { kinds: [kind] } : {}),
    ...(at ? { at: new Date(`${at}T23:59:59`).toISOString() } : {}),
  };
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Search({ avatar }) {
  const hits = useSignal(/** @type {Hit[] | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const order = useSignal('both');
  const address = route.value.query ?? '';
  const query = new URLSearchParams(address);
  const id = avatar.avatar_id;
  useEffect(() => {
    failure.value = null;
    busy.value = Boolean(query.get('q'));
    if (!query.get('q')) return void (hits.value = null);
    let here = true;
    const ended = (/** @type {() => void} */ then) => {
      if (!here) return;
      busy.value = false;
      then();
    };
    post(`/avatars/${id}/memories/search`, bodyOf(query))
      .then((/** @type {any} */ answer) => ended(() => (hits.value = answer.hits)))
      .catch((error) => ended(() => (failure.value = asFailure(error))));
    return () => {
      here = false;
    };
  }, [address, changed.value]);
  return html`
    <${Question} key=${address} query=${query} />
    ${busy.value && html`<p class="waiting" role="status">Looking…</p>`}
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!busy.value && hits.value?.length === 0 && html`<p class="empty" role="status">Nothing that is remembered has to do with it. Say it in other words.</p>`}
    ${!busy.value && Boolean(hits.value?.length) && html`<${Found} hits=${hits.value} avatarId=${id} order=${order.value} onOrder=${(/** @type {string} */ to) => (order.value = to)} />`}
    ${!address && html`<p class="empty">Ask in words of your own, with a time if you like: “What did I say about Anna last spring?” <a href=${href({ place: 'memory', avatar: id })}>Or look through the facts.</a></p>`}
  `;
}
