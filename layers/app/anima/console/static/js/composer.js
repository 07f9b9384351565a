// Where one writes: the message, the files that come with it, send and stop.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.js';
import { add, cancel, dismiss, retry, uploads } from './uploads.js';
import { countOf, isOver, leftOf, shareOf, stageOf } from './words.js';

/** @import { Talk } from './talk.js' */
/** @import { Upload } from './uploads.js' */

/** What was written and not sent, by talk, for as long as the page lives. @type {Map<string, string>} */
const drafts = new Map();

/** @param {{ upload: Upload }} props */
function Progress({ upload }) {
  const { key, name, state, reason, sent, left } = upload;
  const sending = state === 'sending';
  const count = sending && sent ? `${Math.round(100 * sent)} %` : countOf(upload);
  const told = isOver(state) ? [stageOf(upload)] : [stageOf(upload), count, leftOf(left)];
  return html`<li class="upload" data-state=${state}>
    <span class="file" title=${upload.path ?? name}>${name}</span>
    <span class="stage">${reason && isOver(state) ? reason : told.filter(Boolean).join(' · ')}</span>
    ${!isOver(state) && html`<progress max="1" value=${sending ? sent : shareOf(upload)} aria-label=${`Progress of ${name}`} />`}
    ${(state === 'failed' || state === 'cancelled') &&
    html`<button type="button" class="quiet-button" onClick=${() => retry(upload)}>Try again</button>`}
    ${(sending || state === 'waiting') &&
    html`<button type="button" class="quiet-button" aria-label=${`Cancel ${name}`} onClick=${() => cancel(key)}>Cancel</button>`}
    ${isOver(state) &&
    html`<button type="button" class="ghost" aria-label=${`Put away ${name}`} onClick=${() => dismiss(key)}>
      <${Icon} name="close" />
    </button>`}
  </li>`;
}

const SHOWN = 8;

/** Files on their way; `sending` leaves out those that are documents already. @param {{ sending?: boolean }} props */
export function Uploads({ sending = false }) {
  const all = uploads.value.filter((one) => !sending || one.documentId === undefined);
  if (!all.length) return null;
  const hidden = all.length - SHOWN;
  return html`<ul class="uploads" aria-label="Files">
    ${all.slice(0, SHOWN).map((one) => html`<${Progress} key=${one.key} upload=${one} />`)}
    ${hidden > 0 && html`<li class="quiet" key="more">and ${hidden} more</li>`}
  </ul>`;
}

/** A button that opens the person's files, or a folder of them.
 * @param {{ children: any, kind: string, label?: string, purpose?: string, folder?: boolean }} props */
export function Choose({ children, kind, label, purpose, folder = false }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const chosen = () => {
    void add([...(input.current?.files ?? [])], purpose);
    if (input.current) input.current.value = '';
  };
  return html`<button type="button" class=${kind} aria-label=${label} title=${label} onClick=${() => input.current?.click()}>
      ${children}
    </button>
    <input ref=${input} type="file" multiple webkitdirectory=${folder} hidden onChange=${chosen} />`;
}

/** @param {{ talk: Talk, name: string }} props */
export function Composer({ talk, name }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const place = `${talk.avatarId}/${talk.sessionId ?? ''}`;
  useEffect(() => {
    if (field.current) field.current.value = drafts.get(place) ?? '';
    // on a phone the keyboard would cover what one came to read
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [talk]);

  function submit() {
    const text = field.current?.value.trim();
    if (!text || !field.current || talk.busy.value) return;
    field.current.value = '';
    drafts.delete(place);
    for (const one of uploads.value) if (one.state === 'done') dismiss(one.key);
    void talk.say(text);
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === 'Escape' && talk.busy.value) {
      event.preventDefault();
      talk.stop();
    }
  }

  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    submit();
  }

  const busy = talk.busy.value;
  return html`<form class="composer" onSubmit=${submitted}>
    <${Choose} kind="ghost" label="Add files: documents, slides, tables, pictures, recordings, …"><${Icon} name="clip" /><//>
    <textarea
      ref=${field}
      class="message"
      rows="1"
      aria-label=${`Message to ${name}`}
      placeholder=${talk.hidden ? `Write to ${name}. Nothing of this is remembered.` : `Write to ${name}`}
      onKeyDown=${pressed}
      onInput=${() => drafts.set(place, field.current?.value ?? '')}
    />
    ${busy
      ? html`<button type="button" class="round" key="stop" aria-label="Stop the answer" title="Stop (Esc)" onClick=${() => talk.stop()}>
          <${Icon} name="stop" />
        </button>`
      : html`<button class="round" key="send" aria-label="Send" title="Send (Enter)"><${Icon} name="send" /></button>`}
  </form>`;
}
