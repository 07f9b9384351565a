// Other ways that a talk went: what was edited or answered anew, and the way between them.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Icon } from './icons.js';
import { Later } from './later.js';
import { go, route } from './route.js';

/** @import { Line } from './lines.js' */
/** @import { Talk } from './talk.js' */

const edit = async () => (await import('../later/edit.js')).Edit;

/** ‹ 2 of 3 › @param {{ talk: Talk, line: Line }} props */
export function Switcher({ talk, line }) {
  const branch = line.branch.value;
  if (!branch || branch.of < 2) return null;
  const { index, of, siblings } = branch;
  const to = (/** @type {number} */ place, /** @type {string} */ icon, /** @type {string} */ label) => {
    const id = siblings[place - 1];
    const shown = () => go({ ...route.value, message: undefined, why: undefined, leaf: id }, { replace: true });
    return html`<button type="button" class="ghost" aria-label=${label} title=${label} disabled=${id === undefined || talk.busy.value} onClick=${shown}>
      <${Icon} name=${icon} />
    </button>`;
  };
  return html`<span class="branch" role="group" aria-label="Versions">
    ${to(index - 1, 'left', 'The version before')}<span class="quiet">${index}/${of}</span>${to(index + 1, 'right', 'The version after')}
  </span>`;
}

/** The words of the person, with the ways to change them. @param {{ talk: Talk, line: Line }} props */
export function Words({ talk, line }) {
  const editing = useSignal(false);
  const busy = talk.busy.value; // its end is when the message has its number
  if (editing.value) return html`<${Later} load=${edit} style="css/edit.css" talk=${talk} line=${line} onClose=${() => (editing.value = false)} />`;
  return html`<div class="words">${line.text.value}</div>
    ${line.messageId !== null &&
    html`<div class="actions mine">
      <button type="button" class="ghost" title="Say it otherwise" aria-label="Edit this message" disabled=${busy} onClick=${() => (editing.value = true)}>
        <${Icon} name="edit" />
      </button>
      <${Switcher} talk=${talk} line=${line} />
    </div>`}`;
}
