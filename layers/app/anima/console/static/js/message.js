// One line of a talk: what was said, where it comes from, and what can be done about it.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from './alert.js';
import { get, post } from './api.js';
import { Switcher, Words } from './branches.js';
import { attempt, said } from './house.js';
import { Icon } from './icons.js';
import { Later } from './later.js';
import { Markdown } from './markdown.js';
import { Portrait } from './portrait.js';
import { openDrawer, route } from './route.js';
import { When } from './time.js';
import { placeOf } from './words.js';

/** @import { AvatarAnswer, CitationView, Reply } from './types.js' */
/** @import { Line } from './lines.js' */
/** @import { Talk } from './talk.js' */

const care = async () => (await import('../later/care.js')).Care;
const tools = async () => (await import('../later/tools.js')).Tools;

/** @param {{ talk: Talk, line: Line }} props */
function AskAgain({ talk, line }) {
  return html`<button type="button" class="quiet-button" disabled=${talk.busy.value} onClick=${() => talk.again(line)}>
    <${Icon} name="again" />Ask again
  </button>`;
}

/** @param {{ talk: Talk, line: Line, name: string }} props */
function Unanswered({ talk, line, name }) {
  const state = line.state.value;
  const known = line.failure.value;
  if (known) return html`<${Alert} failure=${known}><${AskAgain} talk=${talk} line=${line} /><//>`;
  if (state === 'waiting') return html`<${Later} load=${tools} style="css/tools.css" talk=${talk} asked=${line} />`;
  if (state === 'pending') return html`<p class="note" role="status">${name} is still answering…</p>`;
  const told = state === 'interrupted' ? 'The answer was cut off.' : 'There was no answer.';
  return html`<p class="note">${told} <${AskAgain} talk=${talk} line=${line} /></p>`;
}

/** @param {{ talk: Talk, line: Line, name: string }} props */
export function Said({ talk, line, name }) {
  const unanswered = line.state.value !== 'done';
  return html`<li class="line user" id=${line.messageId ? `message-${line.messageId}` : undefined}>
    <h3 class="unseen">You</h3>
    <${Words} talk=${talk} line=${line} />
    ${unanswered && html`<${Unanswered} talk=${talk} line=${line} name=${name} />`}
  </li>`;
}

/** Passages of an answer, one press away. @param {{ citations: CitationView[] }} props */
function Sources({ citations }) {
  if (!citations.length) return null;
  return html`<ul class="sources" aria-label="Sources">
    ${citations.map(
      (one) => html`<li key=${one.marker}>
        <button
          type="button"
          class="source"
          aria-current=${route.value.passage === one.chunk_id ? 'true' : undefined}
          title=${one.quote}
          onClick=${() => openDrawer({ passage: one.chunk_id })}
        >
          <span class="marker">${one.marker}</span>${one.title}
          ${placeOf(one.location) && html`<span class="quiet">${placeOf(one.location)}</span>`}
        </button>
      </li>`,
    )}
  </ul>`;
}

/** Reads what belongs to an answer once it comes into view. @param {Line} line */
function useDetails(line) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const element = place.current;
    if (!element || line.answer.value || line.responseId === null) return undefined;
    const seen = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      seen.disconnect();
      get(`/responses/${line.responseId}`)
        .then((/** @type {any} */ reply) => {
          line.answer.value = reply;
          if (reply.finish === 'stopped') line.state.value = 'stopped';
        })
        .catch(() => {});
    });
    seen.observe(element);
    return () => seen.disconnect();
  }, [line.responseId]);
  return place;
}

/** @param {Line} line @param {number} rating */
function rate(line, rating) {
  return attempt(async () => {
    const feedback = await post(`/responses/${line.responseId}/feedback`, { rating });
    if (line.answer.value) line.answer.value = /** @type {Reply} */ ({ ...line.answer.value, feedback });
    said.value = 'Thank you, that was kept.';
  });
}

/** @param {{ talk: Talk, line: Line, asked: Line | undefined }} props */
function Actions({ talk, line, asked }) {
  const answer = /** @type {Reply | null} */ (line.answer.value);
  const rating = answer?.feedback?.rating;
  const copy = () =>
    attempt(async () => {
      await navigator.clipboard.writeText(line.text.value);
      said.value = 'Copied.';
    });
  const thumb = (/** @type {string} */ icon, /** @type {string} */ label, /** @type {number} */ value) =>
    html`<button
      type="button"
      class="ghost"
      title=${label}
      aria-label=${label}
      aria-pressed=${rating !== undefined && (value > 3 ? rating > 3 : rating < 3)}
      onClick=${() => rate(line, value)}
    >
      <${Icon} name=${icon} />
    </button>`;
  return html`<div class="actions">
    ${thumb('up', 'A good answer', 5)} ${thumb('down', 'A bad answer', 1)}
    <button type="button" class="ghost" title="Copy" aria-label="Copy this answer" onClick=${copy}><${Icon} name="copy" /></button>
    ${asked &&
    html`<button type="button" class="ghost" title="Another answer" aria-label="Answer this anew" disabled=${talk.busy.value} onClick=${() => talk.again(asked)}>
      <${Icon} name="again" />
    </button>`}
    <${Switcher} talk=${talk} line=${line} />
    <button
      type="button"
      class="ghost named"
      aria-expanded=${route.value.why === line.responseId}
      onClick=${() => openDrawer({ why: line.responseId ?? undefined })}
    >
      <${Icon} name="why" />Why
    </button>
    <span class="quiet"><${When} at=${line.at} short /></span>
  </div>`;
}

/** @param {{ talk: Talk, line: Line, asked: Line | undefined, avatar: AvatarAnswer }} props */
export function Answered({ talk, line, asked, avatar }) {
  const place = useDetails(line);
  const state = line.state.value;
  const answer = line.answer.value;
  const text = line.text.value;

  /** @param {MouseEvent} event */
  function cited(event) {
    const marker = /** @type {HTMLElement} */ (event.target).closest?.('.cite')?.getAttribute('data-marker');
    const found = marker && line.answer.value?.citations.find((one) => String(one.marker) === marker);
    if (found) openDrawer({ passage: found.chunk_id });
  }

  const id = line.messageId ? `message-${line.messageId}` : undefined;
  return html`<li class="line" id=${id} ref=${place} data-state=${state} aria-busy=${state === 'streaming'}>
    <${Portrait} avatar=${avatar} size=${32} affect=${answer?.affect} />
    <div class="said" onClick=${cited}>
      <h3 class="speaker">${avatar.name}</h3>
      ${(answer?.tools ?? line.tools.value).length > 0 &&
      html`<${Later} load=${tools} style="css/tools.css" talk=${talk} asked=${asked} line=${line} />`}
      ${text ? html`<${Markdown} text=${text} />` : !answer && html`<p class="thinking">${avatar.name} is thinking<span /></p>`}
      ${answer && html`<${Sources} citations=${answer.citations} />`}
      ${answer?.safety && html`<${Later} load=${care} style="css/care.css" safety=${answer.safety} />`}
      ${state === 'stopped' &&
      html`<p class="note">Stopped here. ${asked && html`<${AskAgain} talk=${talk} line=${asked} />`}</p>`}
      ${answer?.finish === 'length' && html`<p class="note">The answer ended at its longest. Ask ${avatar.name} to go on.</p>`}
      ${state === 'failed' && html`<p class="note">The answer broke off here.</p>`}
      ${line.responseId !== null && state !== 'streaming' && html`<${Actions} talk=${talk} line=${line} asked=${asked} />`}
    </div>
  </li>`;
}
