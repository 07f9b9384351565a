// A search with its reasons: what was asked stands in the address, what was found says why.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, post } from '../js/api.js';
import { attempt } from '../js/house.js';
import { go, href, route } from '../js/route.js';
import { seconds } from '../js/time.js';
import { Hit } from './hit.js';
import { loadStores, purposes } from './purposes.js';

/** @import { FoundChunks } from './types.js' */

const MODES = { hybrid: 'by meaning and words', vector: 'by meaning', words: 'by words' };

/** A "name = value" line as metadata; a number and true are what they look like. @param {string} text */
function metadataOf(text) {
  const [name = '', ...rest] = text.split('=');
  const value = rest.join('=').trim();
  if (!name.trim() || !value) return null;
  const plain = /^(-?\d+(\.\d+)?|true|false|null)$/.test(value) ? JSON.parse(value) : value;
  return { [name.trim()]: plain };
}

/** The body of the call that an address stands for. @param {URLSearchParams} query */
function bodyOf(query) {
  const day = (/** @type {string} */ name) => {
    const given = query.get(name);
    return given ? new Date(`${given}T00:00:00`).toISOString() : undefined;
  };
  const documents = (query.get('documents') ?? '').match(/\d+/g)?.map(Number);
  const metadata = metadataOf(query.get('metadata') ?? '') ?? undefined;
  const theta = Number(query.get('theta') ?? 0);
  return {
    query: query.get('q') ?? '',
    purposes: query.getAll('in').length ? query.getAll('in') : ['context'],
    mode: query.get('mode') ?? 'hybrid',
    top_k: Number(query.get('top') ?? 10),
    filter: { document_ids: documents, metadata, after: day('after'), before: day('before') },
    ...(theta ? { modulators: { theta } } : {}),
    explain: query.has('explain'),
  };
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
    go({ place: 'documents', part: 'search', query: given.toString() });
  }
  const chosen = query.getAll('in').length ? query.getAll('in') : ['context'];
  const narrowed = ['documents', 'metadata', 'after', 'before', 'theta', 'explain'].some((name) => query.has(name));
  return html`<form class="stack" role="search" onSubmit=${submitted}>
    <div class="row">
      <label class="unseen" for="q">What to look for</label>
      <input id="q" name="q" type="search" required maxlength="8000" defaultValue=${query.get('q') ?? ''} placeholder="What do you look for?" />
      <button class="primary">Search</button>
    </div>
    <div class="row filters">
      <fieldset class="row">
        <legend class="unseen">In which stores</legend>
        ${purposes.value.map((one) => html`<label class="tick"><input type="checkbox" name="in" value=${one} defaultChecked=${chosen.includes(one)} />${one}</label>`)}
      </fieldset>
      <label for="mode">found</label>
      <select id="mode" name="mode" defaultValue=${query.get('mode') ?? 'hybrid'}>
        ${Object.entries(MODES).map(([name, words]) => html`<option value=${name} selected=${name === (query.get('mode') ?? 'hybrid')}>${words}</option>`)}
      </select>
    </div>
    <details open=${narrowed}>
      <summary>Only some documents</summary>
      <div class="fields">
        <label>Brought in since <input type="date" name="after" defaultValue=${query.get('after') ?? ''} /></label>
        <label>and before <input type="date" name="before" defaultValue=${query.get('before') ?? ''} /></label>
        <label>Metadata <input name="metadata" autocomplete="off" placeholder="language = en" defaultValue=${query.get('metadata') ?? ''} /></label>
        <label>Numbers of documents <input name="documents" autocomplete="off" placeholder="12, 30" defaultValue=${query.get('documents') ?? ''} /></label>
        <label>Theta (moves the floor) <input name="theta" type="number" step="0.1" min="-1000" max="1000" defaultValue=${query.get('theta') ?? ''} /></label>
        <label class="tick"><input type="checkbox" name="explain" value="1" defaultChecked=${query.has('explain')} />Show the database’s plan</label>
      </div>
    </details>
  </form>`;
}

/** @param {{ found: FoundChunks, query: string }} props */
function Found({ found, query }) {
  const { hits, floor, best_below: best, warnings, timings, plan } = found;
  return html`
    ${warnings.map((text) => html`<p class="note warning" role="status">${text}</p>`)}
    ${found.nothing_found
      ? html`<div class="empty" role="status">
          <p>Nothing found.</p>
          <p class="quiet">
            ${best === null
              ? 'No passage has anything to do with it. Say it in other words, look in other stores, or bring the document in.'
              : `The best passage has ${best.toFixed(2)}, and ${floor.toFixed(2)} is the least that counts. Say it in other words, or look in other stores.`}
          </p>
        </div>`
      : html`<p class="quiet" role="status">
          ${hits.length} passage${hits.length === 1 ? '' : 's'} in ${seconds(timings.total ?? 0)}, none below ${floor.toFixed(2)} ·${' '}
          <a href=${href({ place: 'documents', part: 'log', retrieval: found.retrieval_id })}>log</a>
        </p>`}
    <ol class="hits">
      ${hits.map((hit) => html`<${Hit} key=${hit.chunk_id} hit=${hit} query=${query} />`)}
    </ol>
    ${plan && html`<section><h2>How the database looked</h2><pre class="plan" tabindex="0">${plan.join('\n')}</pre></section>`}
  `;
}

export function Search() {
  const found = useSignal(/** @type {FoundChunks | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const address = route.value.query ?? '';
  const query = new URLSearchParams(address);
  useEffect(() => {
    void attempt(loadStores);
  }, []);
  useEffect(() => {
    failure.value = null;
    found.value = null;
    if (!query.get('q')) return undefined;
    let here = true;
    busy.value = true;
    post('/search', bodyOf(query))
      .then((/** @type {any} */ answer) => {
        if (here) found.value = answer;
      })
      .catch((error) => {
        if (here) failure.value = asFailure(error);
      })
      .finally(() => {
        if (here) busy.value = false;
      });
    return () => {
      here = false;
    };
  }, [address]);
  return html`
    <${Question} key=${address} query=${query} />
    ${busy.value && html`<p class="waiting" role="status">Looking…</p>`}
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value && html`<${Found} found=${found.value} query=${query.get('q') ?? ''} />`}
    ${!address && html`<p class="empty">Ask in words of your own: each passage says why it was found.</p>`}
  `;
}
