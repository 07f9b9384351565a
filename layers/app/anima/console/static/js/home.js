// The first place: who is there to talk with, and the talks there were.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { get, user } from './api.js';
import { affinities, attempt, avatars, loadAffinity, makeAvatar, sessions } from './house.js';
import { Icon } from './icons.js';
import { Portrait } from './portrait.js';
import { MenuButton } from './rail.js';
import { go, href, hrefOfTalk } from './route.js';
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

/** @typedef {{ name: string, language: string, description: string, personality: Record<string, any> }} Ready */

/** A ready personality as the avatar that it would become. @param {Ready} ready @returns {AvatarAnswer} */
function future({ name, personality }) {
  const called = personality.persona?.name ?? name;
  return { avatar_id: name, name: called, bio: '', personality_name: name, personality, model: null, switches: {}, egress: {} };
}

/** Avatars of ready personalities, one press each. @param {{ first: boolean }} props */
function Newcomers({ first }) {
  const ready = useSignal(/** @type {Ready[]} */ ([]));
  useEffect(() => {
    void attempt(async () => {
      ready.value = (await get('/personalities')).items;
    });
  }, []);
  const taken = new Set((avatars.value ?? []).map((one) => one.personality_name));
  const free = ready.value.filter((one) => !taken.has(one.name)).sort((one) => (one.name === 'luna' ? -1 : 0));
  if (!free.length) return null;
  const invite = (/** @type {AvatarAnswer} */ one) =>
    attempt(async () => {
      const avatar = await makeAvatar(one.personality_name, one.name);
      go({ place: 'chat', avatar: avatar.avatar_id });
    });
  return html`<section class="newcomers">
    <h2>${first ? 'Nobody lives here yet. Whom do you want to invite?' : 'Invite somebody else'}</h2>
    <ul class="people">
      ${free.map((one) => {
        const avatar = future(one);
        return html`<li key=${one.name}>
          <button type="button" class="person" onClick=${() => invite(avatar)}>
            <${Portrait} avatar=${avatar} size=${56} />
            <span class="who">
              <span class="name">${avatar.name}</span>
              <span class="about">${avatar.personality.persona?.tone ?? one.description}</span>
              <span class="quiet">speaks ${one.language}</span>
            </span>
          </button>
        </li>`;
      })}
    </ul>
  </section>`;
}

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
    <${Newcomers} first=${people.length === 0} />
  </div>`;
}
