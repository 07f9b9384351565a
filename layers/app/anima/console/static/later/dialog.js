// A dialog that says what will go and what will stay before it is done, and shows what went wrong.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure } from '../js/api.js';

/** Two lists side by side. @param {{ goes: any[], stays: any[] }} props */
export function GoesAndStays({ goes, stays }) {
  return html`<div class="two">
    <div>
      <h3>Goes</h3>
      <ul>${goes.map((one) => html`<li>${one}</li>`)}</ul>
    </div>
    <div>
      <h3>Stays</h3>
      <ul>${stays.map((one) => html`<li>${one}</li>`)}</ul>
    </div>
  </div>`;
}

/**
 * @param {{ title: string, act: string, acting: string, onDone: (form: FormData) => Promise<unknown>, onClose: () => void,
 *   told?: (failure: Failure) => Failure, children?: any }} props its fields are its children; `told` says a failure in other words
 */
export function Dialog({ title, act, acting, onDone, onClose, told = (failure) => failure, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const busy = useSignal(false);
  const failure = useSignal(/** @type {Failure | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close(); // gives the focus back to where it was
  /** @param {SubmitEvent} event */
  async function submitted(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      await onDone(new FormData(form));
      close();
    } catch (error) {
      failure.value = told(asFailure(error));
      form.querySelector('input')?.focus();
    }
    busy.value = false;
  }
  /** @param {Event} event what was begun is waited for */
  function cancelled(event) {
    event.preventDefault();
    if (!busy.value) close();
  }
  return html`<dialog ref=${dialog} class="ask whole" onCancel=${cancelled} onClose=${onClose} aria-labelledby="dialog-title">
    <h2 id="dialog-title">${title}</h2>
    <form class="stack" onSubmit=${submitted}>
      ${children}
      ${failure.value && html`<${Alert} failure=${failure.value} />`}
      <div class="row">
        <button type="button" disabled=${busy.value} onClick=${close}>Change nothing</button>
        <button class="danger" disabled=${busy.value}>${busy.value ? acting : act}</button>
      </div>
    </form>
  </dialog>`;
}
