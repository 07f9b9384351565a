// Where documents are brought in, and the list of them with what becomes of each.

import { useSignal, useSignalEffect } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { get } from '../js/api.js';
import { Choose, Uploads } from '../js/composer.js';
import { attempt } from '../js/house.js';
import { go, route } from '../js/route.js';
import { addAddress, addDropped, uploads } from '../js/uploads.js';
import { isOver } from '../js/words.js';
import { Entry } from './entry.js';
import { loadStores, purposes } from './purposes.js';

/** @import { DocumentAnswer } from './types.js' */

const LOOK_AGAIN_MS = 1500;
const PAGE = 50;
const MOST = 200;
const STATES = { queued: 'waiting', running: 'being read', done: 'ready', unsearchable: 'not searchable', failed: 'failed' };

/** @param {{ id: string, label: string, all: string, value: string, options: [string, string][], onChange: (value: string) => void }} props */
function Choice({ id, label, all, value, options, onChange }) {
  return html`<label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
      ${all && html`<option value="">${all}</option>`}
      ${options.map(([name, words]) => html`<option value=${name}>${words}</option>`)}
    </select>`;
}

/** @param {{ purpose: string }} props */
function Address({ purpose }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    const address = field.current?.value.trim();
    if (!address || !field.current) return;
    addAddress(/^[a-z]+:/i.test(address) ? address : `https://${address}`, purpose);
    field.current.value = '';
  }
  return html`<form class="row address" onSubmit=${submitted}>
    <label class="unseen" for="address">Address of a page or file</label>
    <input id="address" ref=${field} inputmode="url" autocomplete="off" placeholder="https:// … a page or a file on the web" />
    <button>Fetch</button>
  </form>`;
}

function Arrivals() {
  const over = useSignal(false);
  const purpose = useSignal('context');
  const named = purposes.value.map((one) => /** @type {[string, string]} */ ([one, one]));
  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    over.value = false;
    void addDropped(event, purpose.value);
  }
  return html`<div
    class="drop"
    data-over=${over.value}
    onDragEnter=${() => (over.value = true)}
    onDragLeave=${() => (over.value = false)}
    onDrop=${dropped}
  >
    <p>
      Drop files or folders here, or${' '}
      <${Choose} kind="quiet-button" purpose=${purpose.value}>choose files<//>${' '}or${' '}
      <${Choose} kind="quiet-button" purpose=${purpose.value} folder>a folder<//>.
    </p>
    <p class="quiet">
      PDF, Word, slides, tables, web pages, books, source code, pictures, sound and video are read. Answers cite them.
    </p>
    <${Address} purpose=${purpose.value} />
    <p class="row for">
      <${Choice} id="for" label="Keep them for" all="" value=${purpose.value} options=${named} onChange=${(/** @type {string} */ to) => (purpose.value = to)} />
    </p>
  </div>`;
}

/** @param {Record<string, string>} filter what the address keeps */
function listed(filter) {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
  go({ place: 'documents', query: query.toString() || undefined }, { replace: true });
}

function useDocuments() {
  const found = useSignal(/** @type {DocumentAnswer[] | null} */ (null));
  const more = useSignal(/** @type {string | null} */ (null));
  const query = route.value.query ?? '';
  const asked = useRef(0); // what was asked for before may arrive after it
  const load = async () => {
    const turn = ++asked.current;
    const size = Math.min(MOST, Math.max(PAGE, found.peek()?.length ?? 0));
    const page = await get(`/documents?limit=${size}&${route.peek().query ?? ''}`);
    if (turn !== asked.current) return;
    const beyond = (found.peek() ?? []).slice(size); // those are not looked at anew
    found.value = [...page.items, ...beyond];
    if (!beyond.length) more.value = page.next_cursor;
  };
  const further = async () => {
    const page = await get(`/documents?limit=${PAGE}&cursor=${encodeURIComponent(more.value ?? '')}&${query}`);
    if (query !== (route.peek().query ?? '')) return;
    found.value = [...(found.value ?? []), ...page.items];
    more.value = page.next_cursor;
  };
  useEffect(() => {
    found.value = null;
    void attempt(load);
  }, [query]);
  useSignalEffect(() => {
    // anew whenever something that was sent has become a document
    if (uploads.value.filter((one) => one.documentId !== undefined).length) void attempt(load);
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (found.value?.some((one) => !isOver(one.state))) void load().catch(() => {});
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return { found, more, load, further };
}

export function Documents() {
  const { found, more, load, further } = useDocuments();
  const filter = Object.fromEntries(new URLSearchParams(route.value.query));
  useEffect(() => {
    void attempt(loadStores);
  }, []);
  const named = purposes.value.map((one) => /** @type {[string, string]} */ ([one, one]));
  const filtered = Boolean(filter.state || filter.purpose);
  return html`
    <${Arrivals} />
    <${Uploads} sending />
    ${(filtered || Boolean(found.value?.length)) &&
    html`<div class="row filters" role="group" aria-label="Filter">
      <${Choice} id="state" label="Show" all="all states" value=${filter.state ?? ''} options=${Object.entries(STATES)} onChange=${(/** @type {string} */ state) => listed({ ...filter, state })} />
      <${Choice} id="purpose" label="kept for" all="any purpose" value=${filter.purpose ?? ''} options=${named} onChange=${(/** @type {string} */ purpose) => listed({ ...filter, purpose })} />
    </div>`}
    ${found.value?.length === 0 &&
    html`<p class="empty">
      ${filtered
        ? html`No document is like that. <button type="button" class="quiet-button" onClick=${() => listed({})}>Show all of them</button>`
        : 'No document yet. The first one you drop can be asked about within seconds.'}
    </p>`}
    <ul class="items documents">
      ${(found.value ?? []).map((one) => html`<${Entry} key=${one.document_id} document=${one} onChange=${() => attempt(load)} />`)}
    </ul>
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${() => attempt(further)}>Older documents</button></p>`}
  `;
}
