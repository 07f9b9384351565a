// A question that must be answered before something is lost.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';

/** @typedef {{ text: string, act: string, keep: string, answer: (yes: boolean) => void }} Question */

const question = signal(/** @type {Question | null} */ (null));

/** Whether the person wants it.
 * @param {string} text @param {string} act the word on the button @param {string} [keep] that on the other @returns {Promise<boolean>} */
export function sure(text, act, keep = 'Keep it') {
  return new Promise((answer) => {
    question.value = { text, act, keep, answer };
  });
}

export function Ask() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const asked = question.value;
  useEffect(() => {
    if (asked) dialog.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  const finish = (/** @type {boolean} */ yes) => {
    dialog.current?.close(); // gives the focus back to where it was
    question.value = null;
    asked.answer(yes);
  };
  return html`<dialog ref=${dialog} class="ask" onCancel=${() => finish(false)} aria-labelledby="asked">
    <p id="asked">${asked.text}</p>
    <div class="row">
      <button type="button" autofocus onClick=${() => finish(false)}>${asked.keep}</button>
      <button type="button" class="danger" onClick=${() => finish(true)}>${asked.act}</button>
    </div>
  </dialog>`;
}
