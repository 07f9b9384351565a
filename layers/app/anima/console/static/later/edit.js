// Where an earlier message is said otherwise.

import { html } from 'htm/preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** @import { Line } from '../js/lines.js' */
/** @import { Talk } from '../js/talk.js' */

/** What was said, to be said otherwise: the talk goes on from there, and the old way is kept.
 * @param {{ talk: Talk, line: Line, onClose: () => void }} props */
export function Edit({ talk, line, onClose }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(line.text.value.length, line.text.value.length);
  }, []);
  /** @param {Event} event */
  function submitted(event) {
    event.preventDefault();
    const text = field.current?.value.trim();
    if (!text) return;
    onClose();
    if (text !== line.text.value) void talk.edit(line, text);
  }
  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submitted(event);
    else if (event.key === 'Escape') {
      event.preventDefault();
      onClose();
    }
  }
  return html`<form class="edit" onSubmit=${submitted}>
    <textarea ref=${field} rows="2" aria-label="Your message, anew" defaultValue=${line.text.value} onKeyDown=${pressed} />
    <div class="row">
      <span class="quiet">The talk goes on from here; what came after is kept as another version.</span>
      <button type="button" onClick=${onClose}>Leave it</button>
      <button class="primary">Say it so</button>
    </div>
  </form>`;
}
