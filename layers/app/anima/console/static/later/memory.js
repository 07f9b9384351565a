// What an avatar remembers of the person: each with its source, to confirm or to forget.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { get, post, remove } from '../js/api.js';
import { sure } from '../js/ask.js';
import { attempt, avatarOf, avatars, said } from '../js/house.js';
import { Portrait } from '../js/portrait.js';
import { MenuButton } from '../js/rail.js';
import { go, href, route } from '../js/route.js';
import { When } from '../js/time.js';

/** @import { AvatarAnswer, EpisodeOut, FactOut } from '../js/types.js' */

/** @param {{ avatar: AvatarAnswer, session: number | null, message: number | null | undefined, children: any }} props */
function SourceLink({ avatar, session, message, children }) {
  if (!session || !message) return html`<span>${children}</span>`;
  return html`<a href=${href({ place: 'chat', avatar: avatar.avatar_id, session, message })}>${children}</a>`;
}

/** @param {{ fact: FactOut, avatar: AvatarAnswer, onChange: () => Promise<void> }} props */
function Fact({ fact, avatar, onChange }) {
  const path = `/avatars/${avatar.avatar_id}/facts/${fact.id}`;
  const confirm = () =>
    attempt(async () => {
      await post(path, { confirmed: true }, 'PATCH');
      await onChange();
      said.value = 'Confirmed.';
    });
  const forget = () =>
    attempt(async () => {
      if (!(await sure(`Shall ${avatar.name} forget this for good? “${fact.text}”`, 'Forget'))) return;
      await remove(path);
      await onChange();
      said.value = 'Forgotten.';
    });
  const { evidence, session_id: session, message_id: message } = fact.source;
  return html`<li class="item">
    <div>
      <p>${fact.text}</p>
      <p class="quiet">
        <span class="mark" data-mark=${fact.status}>${fact.status === 'confirmed' ? 'confirmed' : 'not confirmed yet'}</span>
        ${' · '}${fact.category.replaceAll('_', ' ')}${' · '}
        <${SourceLink} avatar=${avatar} session=${session} message=${message}>
          ${evidence ? `you said “${evidence}”` : 'you corrected it'}
        <//>${', '}<${When} at=${fact.last_updated} />
        ${fact.mention_count > 1 && ` · ${fact.mention_count} times`}
      </p>
    </div>
    <div class="row">
      ${fact.status !== 'confirmed' && html`<button type="button" class="quiet-button" onClick=${confirm}>That is right</button>`}
      <button type="button" class="quiet-button" aria-label=${`Forget: ${fact.text}`} onClick=${forget}>Forget</button>
    </div>
  </li>`;
}

/** @param {{ episode: EpisodeOut, avatar: AvatarAnswer, onChange: () => Promise<void> }} props */
function Episode({ episode, avatar, onChange }) {
  const forget = () =>
    attempt(async () => {
      if (!(await sure(`Shall ${avatar.name} forget this for good? “${episode.title}”`, 'Forget'))) return;
      await remove(`/avatars/${avatar.avatar_id}/episodes/${episode.id}`);
      await onChange();
    });
  const { session_id: session, message_ids: messages } = episode.source;
  return html`<li class="item">
    <div>
      <p>${episode.title}</p>
      <p class="quiet">
        ${episode.type} · importance ${episode.importance.toFixed(1)} of 10 ·${' '}
        <${SourceLink} avatar=${avatar} session=${session} message=${messages[0]}><${When} at=${episode.timestamp} /><//>
        ${episode.pinned ? ' · kept for ever' : episode.forget_at && html` · fades <${When} at=${episode.forget_at} />`}
      </p>
    </div>
    <button type="button" class="quiet-button" aria-label=${`Forget: ${episode.title}`} onClick=${forget}>Forget</button>
  </li>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
function Kept({ avatar }) {
  const facts = useSignal(/** @type {FactOut[] | null} */ (null));
  const episodes = useSignal(/** @type {EpisodeOut[]} */ ([]));
  const load = async () => {
    const at = `/avatars/${avatar.avatar_id}`;
    const [known, happened] = await Promise.all([get(`${at}/facts?limit=100`), get(`${at}/episodes?limit=100`)]);
    facts.value = known.items;
    episodes.value = happened.items;
  };
  useEffect(() => {
    void attempt(load);
  }, []);
  if (!facts.value) return html`<p class="waiting" role="status">Remembering…</p>`;
  if (!facts.value.length && !episodes.value.length) {
    return html`<div class="empty">
      <p>${avatar.name} remembers nothing about you yet.</p>
      <p><a href=${href({ place: 'chat', avatar: avatar.avatar_id })}>Tell ${avatar.name} something</a>: what you like, where you live, what happened today.</p>
    </div>`;
  }
  return html`
    <section>
      <h2>Facts</h2>
      <ul class="items">
        ${facts.value.map((one) => html`<${Fact} key=${one.id} fact=${one} avatar=${avatar} onChange=${load} />`)}
      </ul>
      ${!facts.value.length && html`<p class="quiet">None yet.</p>`}
    </section>
    ${episodes.value.length > 0 &&
    html`<section>
      <h2>What happened</h2>
      <ul class="items">
        ${episodes.value.map((one) => html`<${Episode} key=${one.id} episode=${one} avatar=${avatar} onChange=${load} />`)}
      </ul>
    </section>`}
  `;
}

export function Memory() {
  const avatar = avatarOf(route.value.avatar) ?? avatars.value?.[0];
  if (!avatar) return html`<div class="page"><p>Nobody is here who could remember. <a href="#/">Invite somebody.</a></p></div>`;
  const others = avatars.value ?? [];
  return html`<div class="page">
    <header class="title">
      <${MenuButton} />
      <${Portrait} avatar=${avatar} size=${36} />
      <h1>What ${avatar.name} remembers of you</h1>
      ${others.length > 1 &&
      html`<label class="unseen" for="whose">Whose memory</label>
        <select id="whose" value=${avatar.avatar_id} onChange=${(/** @type {any} */ event) => go({ place: 'memory', avatar: event.target.value })}>
          ${others.map((one) => html`<option value=${one.avatar_id}>${one.name}</option>`)}
        </select>`}
    </header>
    <${Kept} key=${avatar.avatar_id} avatar=${avatar} />
  </div>`;
}
