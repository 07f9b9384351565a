// Budgets: what you may spend on models a day or a month, and what was spent on which.

import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { avatarOf } from '../js/house.js';
import { filledIn, useAsked } from './asked.js';

/** @param {any} one */
const asSet = ({ avatar_id, period, max_tokens, max_cost }) => ({ avatar_id, period, max_tokens, max_cost });

/** @param {any} one */
function spent(one) {
  const tokens = one.max_tokens === null ? `${one.tokens.toLocaleString()} tokens` : `${one.tokens.toLocaleString()} of ${one.max_tokens.toLocaleString()} tokens`;
  return one.max_cost === null ? tokens : `${tokens}, ${Number(one.cost).toFixed(2)} of ${Number(one.max_cost).toFixed(2)} USD`;
}

function Mine() {
  const { found, failure, change } = useAsked('/users/me/budgets');
  const own = () => found.value.items.filter((/** @type {any} */ one) => !one.imposed);
  const put = (/** @type {any[]} */ items, /** @type {string} */ told) => change(() => post('/users/me/budgets', { items: items.map(asSet) }, 'PUT'), told);
  const keep = (/** @type {Event} */ event) => {
    const given = filledIn(event);
    const made = { avatar_id: null, period: given.period, max_tokens: given.tokens ? Number(given.tokens) : null, max_cost: given.cost ?? null };
    const others = own().filter((/** @type {any} */ one) => one.avatar_id !== null || one.period !== made.period);
    return put([...others, made], 'That was kept.');
  };
  const drop = (/** @type {any} */ gone) => put(own().filter((/** @type {any} */ one) => one !== gone), 'The budget was removed.');
  return html`<section>
    <h2>Bounds</h2>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found.value?.items.length === 0 && html`<p class="quiet">None: models may cost whatever they cost.</p>`}
    ${found.value?.items.length > 0 &&
    html`<table class="kept">
      <thead><tr><th scope="col">Each</th><th scope="col">Spent (UTC)</th><th scope="col">By</th></tr></thead>
      <tbody>
        ${found.value.items.map(
          (/** @type {any} */ one) => html`<tr key=${`${one.avatar_id} ${one.period} ${one.imposed}`}>
            <th scope="row">${one.period}${one.avatar_id && html`<p class="quiet">of ${avatarOf(one.avatar_id)?.name ?? 'one avatar'}</p>`}</th><td data-label="spent">${spent(one)}</td>
            <td data-label="by">${one.imposed ? 'an admin' : html`you <button type="button" class="quiet-button" onClick=${() => drop(one)}>Remove</button>`}</td>
          </tr>`,
        )}
      </tbody>
    </table>`}
    <form class="stack" onSubmit=${keep}>
      <label>Each <select name="period"><option value="day">day</option><option value="month">month</option></select></label>
      <label>At most, in tokens <input name="tokens" type="number" min="1" /></label>
      <label>At most, in USD <input name="cost" type="number" min="0.01" step="0.01" /></label>
      <button class="button">Keep it</button>
    </form>
  </section>`;
}

export function Budgets() {
  const { found, failure } = useAsked('/usage?limit=100');
  return html`<${Mine} />
    <section>
      <h2>What was spent</h2>
      ${failure.value && html`<${Alert} failure=${failure.value} />`}
      ${found.value?.items.length === 0 && html`<p class="quiet">Nothing yet.</p>`}
      ${found.value?.items.length > 0 &&
      html`<table class="kept">
        <thead><tr><th scope="col">Day</th><th scope="col">Model</th><th scope="col">For</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Tokens</th><th scope="col" class="number">USD</th></tr></thead>
        <tbody>
          ${found.value.items.map(
            (/** @type {any} */ one) => html`<tr key=${`${one.day} ${one.model} ${one.avatar_id} ${one.purpose}`}>
              <td data-label="day">${one.day}</td><th scope="row">${one.model}</th><td data-label="for">${one.purpose}${one.avatar_id && `, ${avatarOf(one.avatar_id)?.name ?? 'one who left'}`}</td>
              <td class="number" data-label="calls">${one.calls}</td><td class="number" data-label="tokens">${(one.prompt_tokens + one.completion_tokens).toLocaleString()}</td>
              <td class="number" data-label="USD">${one.cost === null ? 'no price known' : Number(one.cost).toFixed(4)}</td>
            </tr>`,
          )}
        </tbody>
      </table>`}
    </section>`;
}
