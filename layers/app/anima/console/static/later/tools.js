// What tools did for an answer, the pictures that they made, and the calls that wait for the person.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { get, newKey } from '../js/api.js';

/** @import { MediaRefView, ToolView } from '../js/types.js' */
/** @import { Line } from '../js/lines.js' */
/** @import { Talk } from '../js/talk.js' */

/** @type {Record<string, string>} */
const SAID = {
  calculate: 'Calculate',
  search_documents: 'Search your documents',
  read_page: 'Read a page',
  search_web: 'Search the web',
  run_python: 'Run a program',
  make_picture: 'Make a picture',
};
/** @type {Record<string, string>} */
const STATES = { done: 'done', failed: 'failed', denied: 'not allowed', waiting: 'waits for you', running: 'at work' };

/** What a call is called by a person. @param {{ name: string, plugin?: string }} call */
function named({ name, plugin }) {
  return SAID[name] ?? `${name.replace(/^.*__/, '').replace(/_/g, ' ')}${plugin ? ` (${plugin})` : ''}`;
}

/** The arguments of a call, each on its line. @param {{ given: any }} props */
function Given({ given }) {
  if (given === null || given === undefined) return null;
  const all = typeof given === 'object' ? Object.entries(given) : [['', given]];
  return html`<dl class="given">
    ${all.map(
      ([name, value]) => html`<div key=${name}>
        ${name && html`<dt>${name}</dt>`}
        <dd><pre>${typeof value === 'string' ? value : JSON.stringify(value)}</pre></dd>
      </div>`,
    )}
  </dl>`;
}

/** @param {{ call: any, decide?: (approve: boolean, always: boolean) => void, busy: boolean }} props */
function Waiting({ call, decide, busy }) {
  const button = (/** @type {string} */ label, /** @type {boolean} */ approve, /** @type {boolean} */ always) =>
    html`<button type="button" class="button" disabled=${busy || !decide} onClick=${() => decide?.(approve, always)}>${label}</button>`;
  return html`<section class="approval" aria-label=${`${named(call)}: may it?`}>
    <p><strong>${named(call)}?</strong> It is done only if you allow it.</p>
    <${Given} given=${call.arguments} />
    <p class="row">${button('Allow once', true, false)} ${button('Always allow', true, true)} ${button('No', false, false)}</p>
  </section>`;
}

/** @param {{ call: any }} props */
function Called({ call }) {
  const state = STATES[call.state] ?? call.state;
  return html`<details class="call" data-state=${call.state}>
    <summary><span>${named(call)}</span> <span class="quiet">${state}${call.error && call.state === 'failed' ? `: ${call.error}` : ''}</span></summary>
    <${Given} given=${call.arguments} />
    ${call.text && html`<pre class="gave">${call.text}</pre>`}
  </details>`;
}

/** The calls so far, from what is told of them while they go on. @param {any[]} events @returns {any[]} */
function told(events) {
  /** @type {any[]} */
  const calls = [];
  for (const event of events) {
    const open = calls.findLast((one) => one.state === 'running' && one.name === event.name);
    if (!('ok' in event)) calls.push({ ...event, state: 'running' });
    else if (open) Object.assign(open, { state: event.ok ? 'done' : event.error === 'denied' ? 'denied' : 'failed', text: event.text, error: event.error });
  }
  return calls;
}

/** @param {{ files: MediaRefView[] }} props */
function Pictures({ files }) {
  const pictures = files.filter((one) => one.media_type === 'image' && one.url.startsWith('/'));
  if (!pictures.length) return null;
  return html`<p class="pictures">
    ${pictures.map(
      (one) => html`<a key=${one.media_id} href=${one.url} target="_blank" rel="noreferrer"><img src=${one.url} alt="A picture made for this answer" loading="lazy" /></a>`,
    )}
  </p>`;
}

/** The calls of an answer; without a line those of a message whose turn waits.
 * @param {{ talk: Talk, asked?: Line, line?: Line }} props */
export function Tools({ talk, asked, line }) {
  const found = useSignal(/** @type {any[]} */ ([]));
  useEffect(() => {
    if (line || !asked) return;
    get(`/tool-calls?session_id=${talk.sessionId}`)
      .then((/** @type {any} */ { items }) => {
        found.value = items
          .filter((/** @type {any} */ one) => one.message_id === asked.messageId)
          .map((/** @type {any} */ one) => ({ ...one, state: 'waiting' }));
      })
      .catch(() => {});
  }, [asked, line]);
  const answer = line?.answer.value;
  /** @type {(ToolView | any)[]} */
  const calls = answer?.tools ?? (line ? told(line.tools.value) : found.value);

  /** @param {number} call @param {boolean} approve @param {boolean} always */
  function decide(call, approve, always) {
    if (!asked || talk.busy.value) return;
    asked.sent = { key: newKey(), body: { approve, always }, path: `/tool-calls/${call}` };
    asked.state.value = 'done';
    talk.lines.value = talk.lines.value.slice(0, talk.lines.value.indexOf(asked));
    void talk.turn(asked);
  }

  return html`<div class="tools" role="group" aria-label="Tools">
    ${calls.map((call, index) =>
      call.state === 'waiting'
        ? html`<${Waiting}
            key=${call.invocation_id ?? index}
            call=${call}
            busy=${talk.busy.value}
            decide=${asked && ((/** @type {boolean} */ approve, /** @type {boolean} */ always) => decide(call.invocation_id, approve, always))}
          />`
        : html`<${Called} key=${call.invocation_id ?? index} call=${call} />`,
    )}
    ${answer && html`<${Pictures} files=${answer.media_refs ?? []} />`}
  </div>`;
}
