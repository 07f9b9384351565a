// The memories that an answer was given, each with its score in words, and what was kept on this machine.

import { html } from 'htm/preact';
import { href, route } from '../js/route.js';
import { When } from '../js/time.js';
import { Terms } from '../memory/terms.js';

/** @import { EgressView, MemoryUsed } from '../js/types.js' */

/** @type {Record<string, string>} */
const KINDS = { fact: 'Fact', episode: 'Happened', message: 'Said', hint: 'Conclusion' };
/** Opens what the memory is, or where it was said. @param {{ memory: MemoryUsed }} props */
function Source({ memory }) {
  const { session_id: session, message_id: message, date, speaker } = memory.source;
  const { avatar } = route.value;
  const to = session && message ? href({ place: 'chat', avatar, session, message }) : null;
  const who = { user: 'you', conclusion: 'from what you said' }[speaker] ?? speaker;
  return to ? html`<a href=${to}>${who}, <${When} at=${date} /></a>` : html`${who}, <${When} at=${date} />`;
}

/** What a conclusion was drawn from. @param {{ derivation: string[] }} props */
function Derivation({ derivation }) {
  return html`<p class="quiet">It follows from:</p>
    <ul class="derivation">${derivation.map((one) => html`<li>${one}</li>`)}</ul>`;
}

/** @param {{ memory: MemoryUsed }} props */
export function Memory({ memory }) {
  const { avatar } = route.value;
  const known = memory.kind === 'fact' || memory.kind === 'episode';
  const place = href({ place: 'memory', avatar, part: memory.kind === 'episode' ? 'episodes' : undefined, [memory.kind]: memory.id });
  const { derivation } = memory.source;
  return html`<li>
    <p class="words">${memory.text}</p>
    <p class="quiet">
      ${KINDS[memory.kind] ?? memory.kind} · <${Source} memory=${memory} />${known && html`${' · '}<a href=${place}>open it</a>`}
    </p>
    ${derivation && derivation.length > 0 && html`<${Derivation} derivation=${derivation} />`}
    ${memory.scores && Object.keys(memory.scores).length > 0
      ? html`<details><summary>Score ${memory.score.toFixed(2)}</summary><${Terms} scores=${memory.scores} /></details>`
      : html`<p class="quiet">score ${memory.score.toFixed(2)}</p>`}
  </li>`;
}

const plainly = (/** @type {string[]} */ categories) => categories.map((one) => one.replaceAll('_', ' ')).join(', ');

/** What was kept on this machine, and what was kept back. @param {{ egress: EgressView }} props */
export function Kept({ egress }) {
  const { kept_local: local, left_out: left, barred, model } = egress;
  return html`<section class="egress">
    <h3>${local.length ? `Stayed on this machine: ${plainly(local)}` : 'What was kept back'}</h3>
    ${local.length > 0 && html`<p>${model ? `You said that this stays here, so ${model} answered.` : 'You said that this stays here, and no model here could answer.'}</p>`}
    ${left > 0 && html`<p>${left === 1 ? 'One memory or earlier word was' : `${left} memories and earlier words were`} not shown to the model${barred.length ? ` (${plainly(barred)})` : ''}.</p>`}
    <p class="quiet"><a href=${href({ place: 'avatar', avatar: route.value.avatar })}>What may leave this machine</a></p>
  </section>`;
}
