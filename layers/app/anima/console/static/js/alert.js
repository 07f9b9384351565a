// What went wrong, and what to do about it.

import { html } from 'htm/preact';
import { advice } from './advice.js';
import { Icon } from './icons.js';

/** @import { Failure } from './api.js' */

/** @param {{ failure: Failure, onClose?: () => void, children?: any }} props */
export function Alert({ failure, onClose, children }) {
  const next = advice(failure);
  return html`<div class="alert" role="alert">
    <div>
      <p>${failure.message}</p>
      ${next && html`<p class="next">${next}</p>`}
      ${children}
    </div>
    ${onClose &&
    html`<button type="button" class="ghost" aria-label="Close this message" onClick=${onClose}>
      <${Icon} name="close" />
    </button>`}
  </div>`;
}
