// One episode in the drawer: its forgetting curve, to correct, and the messages that told it.

import { html } from 'htm/preact';
import { closeDrawer } from '../js/route.js';
import { When } from '../js/time.js';
import { correct, forget } from './changes.js';
import { Curve, toldOf } from './curve.js';
import { fading } from './decay.js';
import { Kind } from './episodes.js';
import { Gone, useItem } from './fact.js';
import { Day, SourceLink } from './held.js';

/** @import { EpisodeOut } from './types.js' */

/** @param {{ episode: EpisodeOut }} props */
function Fading({ episode }) {
  const { from, until } = fading(episode);
  const times = episode.times_recalled;
  return html`<${Curve} episode=${episode} large />
    <dl>
      <div><dt>Strength now</dt><dd>${toldOf(episode)}</dd></div>
      <div><dt>${episode.last_recalled ? 'Recalled last' : 'Made'}</dt><dd><${Day} at=${new Date(from).toISOString()} /></dd></div>
      <div><dt>Recalled</dt><dd>${times === 1 ? 'once' : `${times} times`}</dd></div>
      ${Number.isFinite(until) && html`<div><dt>Fades</dt><dd><${Day} at=${new Date(until).toISOString()} /> (<${When} at=${new Date(until).toISOString()} />)</dd></div>`}
    </dl>
    <p class="quiet">What is important, and what is often recalled, fades more slowly. Below a tenth it is forgotten; what was said stays in its talk.</p>`;
}

/** @param {{ episode: EpisodeOut, avatarId: string }} props */
function Correction({ episode, avatarId }) {
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const [title, summary] = ['title', 'summary'].map((name) => String(form.get(name)).trim());
    const importance = Number(form.get('importance'));
    const given = {
      ...(title !== episode.title ? { title } : {}),
      ...(summary !== episode.summary ? { summary } : {}),
      ...(importance !== Number(episode.importance.toFixed(1)) ? { importance } : {}),
    };
    if (Object.keys(given).length) void correct(avatarId, 'episodes', episode.id, given, `Corrected: ${title}`);
  }
  const pin = () => correct(avatarId, 'episodes', episode.id, { pinned: !episode.pinned }, episode.pinned ? `It may fade again: ${episode.title}` : `Kept for ever: ${episode.title}`);
  return html`<form class="stack correction" key=${`${episode.title}/${episode.summary}/${episode.importance}`} onSubmit=${submitted}>
    <label>What happened <input name="title" required maxlength="500" autocomplete="off" defaultValue=${episode.title} /></label>
    <label>In full <textarea name="summary" rows="3" required maxlength="4000" defaultValue=${episode.summary} /></label>
    <label>Importance, 0 to 10 <input name="importance" type="number" min="0" max="10" step="0.1" required defaultValue=${episode.importance.toFixed(1)} /></label>
    <div class="row">
      <button class="primary">Correct it</button>
      <button type="button" aria-pressed=${episode.pinned} onClick=${pin}>${episode.pinned ? 'Let it fade' : 'Keep it for ever'}</button>
    </div>
  </form>`;
}

/** @param {{ avatarId: string, episodeId: string }} props */
export function EpisodeDetail({ avatarId, episodeId }) {
  /** @type {ReturnType<typeof useItem<EpisodeOut>>} */
  const { found, failure } = useItem(`/avatars/${avatarId}/episodes/${episodeId}`);
  if (failure.value) return html`<${Gone} failure=${failure.value} />`;
  const episode = found.value;
  if (!episode) return html`<p class="waiting" role="status">Remembering…</p>`;
  const { session_id: session, message_ids: messages } = episode.source;
  return html`<div class="why detail">
    <section>
      <h3>${episode.title}</h3>
      <p><${Kind} episode=${episode} /></p>
      ${episode.summary !== episode.title && html`<p class="words">${episode.summary}</p>`}
    </section>
    <section><h3>How it fades</h3><${Fading} episode=${episode} /></section>
    <section>
      <h3>Where it was told</h3>
      ${messages.length
        ? html`<ul class="used">${messages.map((message, index) => html`<li><${SourceLink} avatarId=${avatarId} session=${session} message=${message}>message ${index + 1} of ${messages.length}<//></li>`)}</ul>`
        : html`<p class="quiet">No message is kept that tells it.</p>`}
    </section>
    <section><h3>Is it right?</h3><${Correction} episode=${episode} avatarId=${avatarId} /></section>
    <section>
      <button
        type="button"
        class="danger"
        onClick=${() => {
          void forget(avatarId, 'episodes', episode.id, episode.title);
          closeDrawer();
        }}
      >
        Forget it
      </button>
    </section>
  </div>`;
}
