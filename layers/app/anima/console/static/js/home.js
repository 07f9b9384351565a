// The first place: who is there to talk with, and the talks there were.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { user } from './api.js';
import { affinities, avatars, loadAffinity, sessions } from './house.js';
import { Icon } from './icons.js';
import { Later } from './later.js';
import { Portrait } from './portrait.js';
import { MenuButton } from './rail.js';
import { href, hrefOfTalk } from './route.js';
import { When, greeting } from './time.js';

/** @import { AvatarAnswer, SessionAnswer } from './types.js' */

const RECENT = 6;

/** @param {{ avatar: AvatarAnswer }} props */
function Person({ avatar }) {
  useEffect(() => {
    loadAffinity(avatar.avatar_id).catch(() => {});
  }, [avatar.avatar_id]);
  const stands = affinities.value[avatar.avatar_id];
  const persona = avatar.personality?.persona ?? {};
  return html`<li>
    <a class="person" href=${href({ place: 'chat', avatar: avatar.avatar_id })}>
      <${Portrait} avatar=${avatar} size=${88} />
      <span class="who">
        <span class="name">${avatar.name}</span>
        <span class="about">${avatar.bio || persona.tone || persona.description || avatar.personality_name}</span>
        <span class="quiet">
          ${stands?.total_messages
            ? html`${stands.level}${stands.last_interaction && html`, spoke <${When} at=${stands.last_interaction} />`}`
            : 'you have not spoken yet'}
        </span>
      </span>
    </a>
  </li>`;
}

/** @param {{ session: SessionAnswer }} props */
function Recent({ session }) {
  return html`<li>
    <a href=${hrefOfTalk(session)}>
      <span class="title">${session.private && html`<${Icon} name="lock" />`}${session.title ?? 'Untitled talk'}</span>
      <span class="quiet">${session.avatar_name && `${session.avatar_name} · `}<${When} at=${session.started_at} /></span>
    </a>
  </li>`;
}

const newcomers = async () => (await import('../later/newcomers.js')).Newcomers;

export function Home() {
  const people = avatars.value ?? [];
  const talks = (sessions.value ?? []).slice(0, RECENT);
  const name = user.value?.full_name?.split(' ')[0] || user.value?.username;
  return html`<div class="page home">
    <header class="title"><${MenuButton} /><h1>${greeting()}, ${name}.</h1></header>
    ${people.length > 0 && html`<p class="lead">Who would you like to talk with?</p>`}
    <ul class="people">
      ${people.map((avatar) => html`<${Person} key=${avatar.avatar_id} avatar=${avatar} />`)}
    </ul>
    ${talks.length > 0 &&
    html`<section>
      <h2>Where you left off</h2>
      <ul class="recent">
        ${talks.map((session) => html`<${Recent} key=${session.session_id} session=${session} />`)}
      </ul>
    </section>`}
    ${people.length === 0 && html`<${Later} load=${newcomers} />`}
    <p><a class="button" href="#/avatars"><${Icon} name="plus" />${people.length ? 'Invite somebody else' : 'All who could come, or make one'}</a></p>
  </div>`;
}
