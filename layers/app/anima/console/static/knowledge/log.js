// The log of searches: what was asked, in which stores, what came, how far it was, how long it took, how it ended.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { attempt } from '../js/house.js';
import { go, href, route } from '../js/route.js';
import { When, seconds } from '../js/time.js';
import { placeOf } from '../js/words.js';

/** @import { RetrievalAnswer } from './types.js' */
/** @import { OpenedChunk } from '../js/types.js' */

const ENDS = /** @type {Record<string, string>} */ ({ pending: 'not over', completed: 'answered', failed: 'failed' });
const MARKS = /** @type {Record<string, string>} */ ({ completed: 'done', failed: 'failed' });
const PAGE = 50;

/** @param {{ status: string }} props */
const End = ({ status }) => html`<span class="mark" data-mark=${MARKS[status] ?? status}>${ENDS[status] ?? status}</span>`;

/** @param {{ one: RetrievalAnswer }} props */
function Row({ one }) {
  return html`<tr>
    <th scope="row"><a href=${href({ place: 'documents', part: 'log', retrieval: one.retrieval_id })}>${one.query_text ?? 'not kept'}</a></th>
    <td>${one.purposes.join(', ')}</td>
    <td>${one.mode}</td>
    <td class="number">${one.result_ids.length}</td>
    <td class="number">${one.latency_ms === null ? '' : seconds(one.latency_ms)}</td>
    <td><${End} status=${one.status} /></td>
    <td class="quiet"><${When} at=${one.retrieved_at} /></td>
  </tr>`;
}

/** A passage of a search's result; it may be gone by now. @param {{ chunkId: number, distance: number | undefined }} props */
function Result({ chunkId, distance }) {
  const chunk = useSignal(/** @type {OpenedChunk | null} */ (null));
  const gone = useSignal(false);
  useEffect(() => {
    get(`/chunks/${chunkId}`)
      .then((/** @type {any} */ found) => {
        chunk.value = found;
      })
      .catch(() => {
        gone.value = true;
      });
  }, [chunkId]);
  const far = distance === undefined ? '' : `distance ${distance.toFixed(3)} · `;
  if (gone.value) return html`<li class="hit"><p class="quiet">${far}passage ${chunkId} is not there any more</p></li>`;
  const one = chunk.value;
  if (!one) return html`<li class="hit"><p class="quiet">${far}passage ${chunkId}</p></li>`;
  return html`<li class="hit">
    <h3><a href=${href({ place: 'documents', document: one.document_id, passage: one.chunk_id })}>${one.title}</a></h3>
    <p class="quiet">${far}${[placeOf(one.location), `passage ${chunkId}`].filter(Boolean).join(' · ')}</p>
    <p class="words clamp">${one.text}</p>
  </li>`;
}

/** @param {{ retrievalId: number }} props */
function Detail({ retrievalId }) {
  const found = useSignal(/** @type {RetrievalAnswer | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  useEffect(() => {
    get(`/retrievals/${retrievalId}`)
      .then((/** @type {any} */ one) => {
        found.value = one;
      })
      .catch((error) => {
        failure.value = asFailure(error);
      });
  }, [retrievalId]);
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  const one = found.value;
  if (!one) return html`<p class="waiting" role="status">Opening…</p>`;
  const again = new URLSearchParams({ q: one.query_text ?? '', mode: one.mode });
  for (const purpose of one.purposes) again.append('in', purpose);
  const facts = [
    ['When', html`<${When} at=${one.retrieved_at} />`],
    ['Looked in', one.purposes.join(', ')],
    ['How', `${one.mode}, the best ${one.top_k}`],
    ['Least that counts', one.floor === null ? 'none' : one.floor.toFixed(2)],
    ['Took', one.latency_ms === null ? 'not known' : seconds(one.latency_ms)],
    ['Ended', html`<${End} status=${one.status} />`],
    ['Asked by', one.request_id === null ? 'a search' : `request ${one.request_id} of a talk`],
  ];
  return html`<section class="retrieval">
    <p class="quiet"><a href=${href({ place: 'documents', part: 'log' })}>All searches</a></p>
    <h2>${one.query_text ?? `Search ${one.retrieval_id}`}</h2>
    <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${one.warnings.map((text) => html`<p class="note warning">${text}</p>`)}
    ${one.query_text && html`<p><a href=${href({ place: 'documents', part: 'search', query: again.toString() })}>Search it again</a></p>`}
    ${!one.result_ids.length && html`<p class="empty">Nothing was found.</p>`}
    <ol class="hits">
      ${one.result_ids.map((id, index) => html`<${Result} key=${id} chunkId=${id} distance=${one.distances[index]} />`)}
    </ol>
  </section>`;
}

function List() {
  const found = useSignal(/** @type {RetrievalAnswer[] | null} */ (null));
  const more = useSignal(/** @type {string | null} */ (null));
  const status = new URLSearchParams(route.value.query).get('status') ?? '';
  const load = async () => {
    const cursor = more.value ? `&cursor=${encodeURIComponent(more.value)}` : '';
    const page = await get(`/retrievals?limit=${PAGE}${status && `&status=${status}`}${cursor}`);
    if (status !== (new URLSearchParams(route.peek().query).get('status') ?? '')) return;
    found.value = [...(found.value ?? []), ...page.items];
    more.value = page.next_cursor;
  };
  useEffect(() => {
    found.value = null;
    more.value = null;
    void attempt(load);
  }, [status]);
  const show = (/** @type {any} */ event) => {
    const to = event.target.value;
    go({ place: 'documents', part: 'log', query: to ? `status=${to}` : undefined }, { replace: true });
  };
  return html`
    <div class="row filters">
      <label for="status">Show</label>
      <select id="status" value=${status} onChange=${show}>
        <option value="">all searches</option>
        ${Object.entries(ENDS).map(([name, words]) => html`<option value=${name}>${words}</option>`)}
      </select>
    </div>
    ${found.value === null && html`<p class="waiting" role="status">Opening…</p>`}
    ${found.value?.length === 0 && html`<p class="empty">No search yet. <a href=${href({ place: 'documents', part: 'search' })}>Look for something</a>, or talk with an avatar.</p>`}
    ${Boolean(found.value?.length) &&
    html`<div class="scroll-x" tabindex="0" role="region" aria-label="Searches">
      <table>
        <thead>
          <tr><th scope="col">Asked</th><th scope="col">In</th><th scope="col">How</th><th scope="col" class="number">Found</th><th scope="col" class="number">Took</th><th scope="col">Ended</th><th scope="col">When</th></tr>
        </thead>
        <tbody>${(found.value ?? []).map((one) => html`<${Row} key=${one.retrieval_id} one=${one} />`)}</tbody>
      </table>
    </div>`}
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${() => attempt(load)}>Older searches</button></p>`}
  `;
}

export function Log() {
  const { retrieval } = route.value;
  return retrieval === undefined ? html`<${List} />` : html`<${Detail} key=${retrieval} retrievalId=${retrieval} />`;
}
