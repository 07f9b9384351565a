// Who is ready to come, for somebody with whom nobody lives yet: one press each.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { invite as come } from '../character/invite.js';
import { get } from '../js/api.js';
import { attempt } from '../js/house.js';
import { Portrait } from '../js/portrait.js';

/** @import { Ready } from '../character/types.js' */

const FIRST = 4;

/** Avatars of ready personalities, one press each, for somebody with whom nobody lives yet. */
export function Newcomers() {
  const ready = useSignal(/** @type {Ready[]} */ ([]));
  useEffect(() => {
    void attempt(async () => {
      ready.value = (await get('/personalities')).items;
    });
  }, []);
  const some = [...ready.value].sort((one, other) => Number(other.name === 'luna') - Number(one.name === 'luna')).slice(0, FIRST);
  if (!some.length) return null;
  const invite = (/** @type {Ready} */ { name, personality }) => attempt(() => come(personality.persona?.name ?? name, name));
  return html`<section class="newcomers">
    <h2>Nobody lives here yet. Whom do you want to invite?</h2>
    <ul class="people">
      ${some.map((one) => {
        const { persona = {} } = one.personality;
        return html`<li key=${one.name}>
          <button type="button" class="person" onClick=${() => invite(one)}>
            <${Portrait} avatar=${{ ...one, name: persona.name ?? one.name, personality_name: one.name }} size=${56} />
            <span class="who">
              <span class="name">${persona.name ?? one.name}</span>
              <span class="about">${persona.tone ?? one.description}</span>
              <span class="quiet">speaks ${one.language}</span>
            </span>
          </button>
        </li>`;
      })}
    </ul>
  </section>`;
}
