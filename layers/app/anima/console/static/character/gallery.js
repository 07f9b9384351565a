// The gallery: who lives here, who is ready to come, and the ways to make or bring somebody.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { affinities, avatars, loadAffinity } from '../js/house.js';
import { Icon } from '../js/icons.js';
import { Portrait } from '../js/portrait.js';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';
import { When } from '../js/time.js';
import { Bring } from './bring.js';
import { Sayings, faceOf } from './face.js';
import { ReadyOne } from './ready.js';
import { Wizard } from './wizard.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Ready } from './types.js' */

/** @param {{ avatar: AvatarAnswer }} props */
function Resident({ avatar }) {
  useEffect(() => {
    loadAffinity(avatar.avatar_id).catch(() => {});
  }, [avatar.avatar_id]);
  const stands = affinities.value[avatar.avatar_id];
  return html`<li class="resident">
    <a class="face" href=${href({ place: 'avatar', avatar: avatar.avatar_id })}>
      <${Portrait} avatar=${avatar} size=${72} />
      <span class="name">${avatar.name}</span>
      <span class="quiet">
        ${stands?.total_messages ? html`${stands.level}${stands.last_interaction && html`, <${When} at=${stands.last_interaction} />`}` : 'you have not spoken yet'}
      </span>
    </a>
    <nav class="row" aria-label=${avatar.name}>
      <a class="button" href=${href({ place: 'chat', avatar: avatar.avatar_id })}>Talk</a>
      <a class="button" href=${href({ place: 'avatar', avatar: avatar.avatar_id, part: 'personality' })}>Edit</a>
    </nav>
  </li>`;
}

/** @param {{ ready: Ready, taken: boolean }} props */
function Newcomer({ ready, taken }) {
  const { persona = {} } = ready.personality;
  return html`<li>
    <a class="newcomer" href=${href({ place: 'avatars', part: ready.name })}>
      <${Portrait} avatar=${faceOf(ready)} size=${64} />
      <span class="who">
        <span class="name">${persona.name}</span>
        <span class="quiet">${[persona.tone, `speaks ${ready.language}`, taken && 'lives here'].filter(Boolean).join(' · ')}</span>
        <${Sayings} personality=${ready.personality} />
      </span>
    </a>
  </li>`;
}

/** @param {{ ready: Ready[] | null }} props */
function All({ ready }) {
  const people = avatars.value ?? [];
  const taken = new Set(people.map((one) => one.personality_name));
  return html`<section>
      <h2>Living here</h2>
      ${people.length
        ? html`<ul class="residents">${people.map((one) => html`<${Resident} key=${one.avatar_id} avatar=${one} />`)}</ul>`
        : html`<p class="empty">Nobody yet: invite somebody from below, make one, or bring a file.</p>`}
    </section>
    <section>
      <h2>Somebody new</h2>
      <div class="ways-in">
        <a class="way" href=${href({ place: 'avatars', part: 'new' })}><${Icon} name="plus" /><span><strong>Make one</strong><span class="quiet">in four short steps</span></span></a>
        <${Bring} />
      </div>
    </section>
    <section>
      <h2>Ready to come</h2>
      ${ready === null ? html`<p class="waiting" role="status">Calling them…</p>` : html`<ul class="newcomers-all">${ready.map((one) => html`<${Newcomer} key=${one.name} ready=${one} taken=${taken.has(one.name)} />`)}</ul>`}
    </section>`;
}

export function Gallery() {
  const ready = useSignal(/** @type {Ready[] | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const { part } = route.value;
  useEffect(() => {
    document.title = 'Avatars · Anima';
    get('/personalities')
      .then((/** @type {any} */ found) => (ready.value = found.items))
      .catch((error) => (failure.value = asFailure(error)));
  }, []);
  const one = ready.value?.find(({ name }) => name === part);
  const title = part === 'new' ? 'Make an avatar' : one ? faceOf(one).name : 'Avatars';
  return html`<div class="page gallery">
    <header class="title"><${MenuButton} /><h1>${title}</h1>${part && html`<a href="#/avatars">All avatars</a>`}</header>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${part === 'new' ? html`<${Wizard} />` : one ? html`<${ReadyOne} key=${one.name} ready=${one} />` : html`<${All} ready=${ready.value} />`}
  </div>`;
}
