// A talk in which nothing was said yet.

import { html } from 'htm/preact';
import { Portrait } from '../js/portrait.js';
import { go } from '../js/route.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Talk } from '../js/talk.js' */

/** @param {{ talk: Talk, avatar: AvatarAnswer }} props */
export function Beginning({ talk, avatar }) {
  const persona = avatar.personality?.persona ?? {};
  const greeting = avatar.personality?.first_message?.replace(/{{char}}/gi, avatar.name).replace(/{{user}}/gi, 'you');
  const openings = talk.hidden
    ? ['I want to think something through.', 'May I tell you a secret?']
    : ['Hello! What can you do?', 'What do you remember about me?', 'Ask me something.'];
  return html`<div class="beginning">
    <${Portrait} avatar=${avatar} size=${120} />
    <h2>${talk.hidden ? `A private talk with ${avatar.name}` : `Say hello to ${avatar.name}`}</h2>
    ${greeting && html`<p>${greeting}</p>`}
    ${talk.sessionId === undefined &&
    html`<label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked=${talk.hidden}
        onChange=${(/** @type {any} */ event) => go({ place: 'chat', avatar: avatar.avatar_id, hidden: event.target.checked }, { replace: true })}
      />
      Private: nothing of it is remembered
    </label>`}
    <p class="lead">
      ${talk.hidden
        ? 'Nothing that is said here becomes a memory. You can delete the talk at any time.'
        : avatar.bio || persona.tone || ''}
    </p>
    <ul class="openings">
      ${openings.map(
        (text) => html`<li><button type="button" class="button" onClick=${() => talk.say(text)}>${text}</button></li>`,
      )}
    </ul>
    <p class="quiet">Drop any file anywhere here to talk about it: a document, slides, a table, a picture, a recording.</p>
  </div>`;
}
