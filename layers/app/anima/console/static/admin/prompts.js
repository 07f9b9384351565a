// Prompts in versions: written, read again, and compared with what they were.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { When } from '../js/time.js';
import { filledIn, useAsked } from './asked.js';

/** @param {{ name: string, newest: number }} props */
function Versions({ name, newest }) {
  const place = `/prompts/${encodeURIComponent(name)}`;
  const { found, failure } = useAsked(`${place}?limit=50`);
  const from = useSignal(Math.max(1, newest - 1));
  return html`<div>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value?.items.length > 1 &&
    html`<label>Compare with version
        <select value=${from.value} onChange=${(/** @type {any} */ event) => (from.value = Number(event.target.value))}>
          ${found.value.items.filter((/** @type {any} */ one) => one.version !== newest).map((/** @type {any} */ one) => html`<option value=${one.version}>${one.version}</option>`)}
        </select></label>
      <${Difference} key=${from.value} path=${`${place}/diff?from=${from.value}&to=${newest}`} />`}
    ${found.value?.items.length === 1 && html`<p class="quiet">There is one version.</p>`}
  </div>`;
}

/** @param {{ path: string }} props */
function Difference({ path }) {
  const { found, failure } = useAsked(path);
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  return found.value && html`<pre class="difference" aria-label="What changed">${found.value.diff || 'Nothing changed.'}</pre>`;
}

export function Prompts() {
  const { found, failure, change } = useAsked('/prompts?limit=200');
  const open = useSignal('');
  const keep = async (/** @type {Event} */ event) => {
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const { name, content } = filledIn(event);
    if (await change(() => post('/prompts', { name, content }), `A version of ${name} was kept.`)) form.reset();
  };
  return html`
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    <section>
      <h2>What there is</h2>
      ${found.value?.items.length === 0 && html`<p class="quiet">No prompt yet. Write one below, and try it in an experiment as <code>name@version</code>.</p>`}
      <ul class="plain-list">
        ${found.value?.items.map(
          (/** @type {any} */ one) => html`<li key=${one.name}>
            <h3>${one.name}<span class="quiet"> version ${one.version}, <${When} at=${one.created_at} /></span></h3>
            <p class="as-written">${one.content}</p>
            <button type="button" class="quiet-button" aria-expanded=${open.value === one.name} onClick=${() => (open.value = open.value === one.name ? '' : one.name)}>What changed</button>
            ${open.value === one.name && html`<${Versions} key=${one.version} name=${one.name} newest=${one.version} />`}
          </li>`,
        )}
      </ul>
    </section>
    <section>
      <h2>Write a version</h2>
      <form class="stack" onSubmit=${keep}>
        <label>Name <input name="name" required maxlength="100" autocomplete="off" /></label>
        <label>Text <textarea name="content" required rows="6"></textarea></label>
        <button class="button">Keep it</button>
      </form>
    </section>
  `;
}
