// Where one writes: the message, the files that come with it, send and stop.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.js';
import { ACCEPTED, add, dismiss, isOver, progress, retry, stageOf, uploads } from './uploads.js';

/** @import { Talk } from './talk.js' */
/** @import { Upload } from './uploads.js' */

/** What was written and not sent, by talk, for as long as the page lives. @type {Map<string, string>} */
const drafts = new Map();

/** @param {{ upload: Upload }} props */
function Progress({ upload }) {
  const { key, file, state, reason, done, total, stage } = upload;
  const counted = stage === 'embed' && total && !isOver(state) ? ` ${done} of ${total}` : '';
  return html`<li class="upload" data-state=${state}>
    <span class="file">${file.name}</span>
    <span class="stage">${reason && isOver(state) ? reason : `${stageOf(upload)}${counted}`}</span>
    ${!isOver(state) && html`<progress max="1" value=${progress(upload)} aria-label=${`Progress of ${file.name}`} />`}
    ${state === 'failed' &&
    html`<button type="button" class="quiet-button" onClick=${() => retry(upload)}>Try again</button>`}
    ${isOver(state) &&
    html`<button type="button" class="ghost" aria-label=${`Put away ${file.name}`} onClick=${() => dismiss(key)}>
      <${Icon} name="close" />
    </button>`}
  </li>`;
}

export function Uploads() {
  if (!uploads.value.length) return null;
  return html`<ul class="uploads" aria-label="Files">
    ${uploads.value.map((one) => html`<${Progress} key=${one.key} upload=${one} />`)}
  </ul>`;
}

/** A button that opens the person's files. @param {{ children: any, kind: string, label?: string }} props */
export function Choose({ children, kind, label }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const chosen = () => {
    add([...(input.current?.files ?? [])]);
    if (input.current) input.current.value = '';
  };
  return html`<button type="button" class=${kind} aria-label=${label} title=${label} onClick=${() => input.current?.click()}>
      ${children}
    </button>
    <input ref=${input} type="file" multiple accept=${ACCEPTED} hidden onChange=${chosen} />`;
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
    <${Choose} kind="ghost" label="Add a file (text, Markdown, HTML, PDF)"><${Icon} name="clip" /><//>
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
