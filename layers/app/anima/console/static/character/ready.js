// One who is ready to come: portrait, who it is, how it talks, its traits; invited with one press.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { Failure, asFailure } from '../js/api.js';
import { avatars } from '../js/house.js';
import { Portrait } from '../js/portrait.js';
import { Sayings, faceOf } from './face.js';
import { invite } from './invite.js';
import { BIG_FIVE, leaning } from './traits.js';

/** @import { Ready } from './types.js' */

/** @param {{ personality: Record<string, any> }} props */
export function Traits({ personality }) {
  const traits = personality.big_five ?? {};
  const known = BIG_FIVE.filter(([name]) => typeof traits[name] === 'number');
  if (!known.length) return null;
  return html`<dl class="traits">
    ${known.map(
      ([name, words, low, high]) => html`<div key=${name}>
        <dt>${words}</dt>
        <dd><meter class="share" min="0" max="1" value=${traits[name]} aria-hidden="true" /><span>${leaning(traits[name], low, high)}</span></dd>
      </div>`,
    )}
  </dl>`;
}

/** @param {{ ready: Ready }} props */
export function ReadyOne({ ready }) {
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const { persona = {}, moods = [], interests = [] } = ready.personality;
  const taken = (avatars.value ?? []).some((one) => one.name.toLowerCase() === String(persona.name).toLowerCase());
  /** @param {SubmitEvent} event */
  async function submitted(event) {
    event.preventDefault();
    const name = String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('name') ?? '').trim();
    busy.value = true;
    try {
      await invite(name, ready.name);
    } catch (error) {
      failure.value = asFailure(error);
    }
    busy.value = false;
  }
  return html`<div class="ready">
    <div class="portrait-of"><${Portrait} avatar=${faceOf(ready)} size=${160} /></div>
    <div class="stack">
      <p class="lead">${persona.description}</p>
      <p class="quiet">${[persona.tone, `speaks ${ready.language}`].filter(Boolean).join(' · ')}</p>
      <h2>How ${persona.name} talks</h2>
      <div class="sayings"><${Sayings} personality=${ready.personality} most=${4} /></div>
      <${Traits} personality=${ready.personality} />
      ${moods.length > 0 && html`<p class="quiet">Moods: ${moods.map((/** @type {any} */ one) => one.name).join(', ')}</p>`}
      ${interests.length > 0 && html`<p class="quiet">Likes to talk about ${interests.join(', ')}</p>`}
      <form class="row invite" onSubmit=${submitted}>
        <label>Name here <input name="name" required maxlength="100" autocomplete="off" defaultValue=${taken ? `${persona.name} the second` : persona.name} /></label>
        <button class="primary" disabled=${busy.value}>Invite</button>
      </form>
      ${failure.value && html`<${Alert} failure=${failure.value} />`}
    </div>
  </div>`;
}
