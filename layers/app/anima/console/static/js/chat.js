// The talk with an avatar.

import { effect, useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useMemo } from 'preact/hooks';
import { Alert } from './alert.js';
import { Failure, get } from './api.js';
import { Composer, Uploads } from './composer.js';
import { useFollow, useShown } from './follow.js';
import { affinities, attempt, avatarOf, loadAffinity, refreshSessions, said } from './house.js';
import { Icon } from './icons.js';
import { Later } from './later.js';
import { Answered, Said } from './message.js';
import { Dot, Portrait } from './portrait.js';
import { MenuButton } from './rail.js';
import { go, href, openDrawer, route } from './route.js';
import { talkOf } from './talks.js';
import { addDropped } from './uploads.js';

/** @import { AvatarAnswer } from './types.js' */
/** @import { Talk } from './talk.js' */

const beginning = async () => (await import('../later/beginning.js')).Beginning;

/** How the avatar feels, and how close the two are: a colour and always words. @param {{ talk: Talk, avatar: AvatarAnswer }} props */
function Standing({ talk, avatar }) {
  const affect = talk.affect.value;
  const level = affect?.level ?? affinities.value[avatar.avatar_id]?.level;
  if (!affect?.mood && !level) return html`<span class="quiet">${avatar.personality_name}</span>`;
  const open = route.value.feeling;
  return html`<button type="button" class="standing quiet" aria-expanded=${Boolean(open)} title=${`How ${avatar.name} feels`} onClick=${() => openDrawer({ feeling: !open })}>
    ${affect?.mood && html`<${Dot} affect=${affect} />${affect.mood}`}${affect?.mood && level && ' · '}${level}
  </button>`;
}

/** @param {{ talk: Talk, avatar: AvatarAnswer }} props */
function Head({ talk, avatar }) {
  const id = avatar.avatar_id;
  return html`<header class="head">
    <${MenuButton} />
    <${Portrait} avatar=${avatar} size=${36} affect=${talk.affect.value} />
    <div class="who">
      <h1>${avatar.name}</h1>
      <${Standing} talk=${talk} avatar=${avatar} />
    </div>
    ${talk.hidden && html`<span class="badge"><${Icon} name="lock" />Private: nothing is remembered</span>`}
    <nav class="row" aria-label="This talk">
      <a class="ghost" href=${href({ place: 'avatar', avatar: id })} aria-label=${`What is set for ${avatar.name}`} title=${`What is set for ${avatar.name}`}>
        <${Icon} name="settings" />
      </a>
      <a class="button" href=${href({ place: 'chat', avatar: id })} title="Begin a new talk"><${Icon} name="plus" />New talk</a>
      <a class="ghost" href=${href({ place: 'chat', avatar: id, hidden: true })} aria-label="Begin a private talk" title="Begin a private talk: nothing of it is remembered">
        <${Icon} name="lock" />
      </a>
    </nav>
  </header>`;
}

/** @param {{ talk: Talk, avatar: AvatarAnswer }} props */
function Lines({ talk, avatar }) {
  const lines = talk.lines.value;
  return html`<div>
    ${talk.earlier.value &&
    html`<p class="centre"><button type="button" class="quiet-button" onClick=${() => attempt(() => talk.loadEarlier())}>Earlier messages</button></p>`}
    ${talk.loading.value && html`<p class="waiting" role="status">Fetching the talk…</p>`}
    ${talk.failure.value && html`<${Alert} failure=${talk.failure.value} />`}
    ${lines.length === 0 && !talk.loading.value && !talk.failure.value && html`<${Later} load=${beginning} talk=${talk} avatar=${avatar} />`}
    <ol class="lines" aria-label=${`Talk with ${avatar.name}`}>
      ${lines.map((line, index) =>
        line.role === 'user'
          ? html`<${Said} key=${line.key} talk=${talk} line=${line} name=${avatar.name} />`
          : html`<${Answered} key=${line.key} talk=${talk} line=${line} asked=${lines[index - 1]} avatar=${avatar} />`,
      )}
    </ol>
  </div>`;
}

/** Tells a screen reader when an answer is complete, and the rail when a talk is new. @param {Talk} talk @param {string} name */
function useNews(talk, name) {
  useEffect(() => {
    let was = talk.busy.peek();
    return effect(() => {
      const busy = talk.busy.value;
      if (busy === was) return;
      was = busy;
      if (busy) {
        said.value = `${name} is answering.`;
        return;
      }
      const last = talk.lines.peek().at(-1);
      if (last?.role === 'assistant') said.value = `${name}: ${last.text.peek()}`;
      void refreshSessions().catch(() => {});
    });
  }, [talk]);
}

/** @param {{ avatar: AvatarAnswer }} props */
function Conversation({ avatar }) {
  const { session, hidden = false, message, leaf } = route.value;
  const talk = useMemo(() => talkOf(avatar.avatar_id, session, hidden, leaf), [avatar.avatar_id, session, hidden]);
  const { scroller, following, toLatest } = useFollow();
  const over = useSignal(false);
  talk.begun = (sessionId) => {
    const here = route.peek();
    const shown = here.place === 'chat' && here.avatar === avatar.avatar_id && here.session === undefined;
    if (shown) go({ place: 'chat', avatar: avatar.avatar_id, session: sessionId }, { replace: true });
  };
  talk.returned = () => {
    if (route.peek().leaf !== undefined) go({ ...route.peek(), leaf: undefined }, { replace: true });
  };
  useNews(talk, avatar.name);
  useEffect(() => {
    void talk.show(leaf);
  }, [talk, leaf]);
  useEffect(() => {
    if (message !== undefined || leaf !== undefined) following.value = false; // one came to read what stands there
  }, [talk, message, leaf]);
  useEffect(() => {
    if (message !== undefined && !talk.loading.value) void attempt(() => talk.reach(message));
  }, [talk, message, talk.loading.value]);
  useShown(message, talk.lines.value.some((line) => line.messageId === message));
  useEffect(() => {
    if (message === undefined) toLatest();
    loadAffinity(avatar.avatar_id).catch(() => {});
    get(`/avatars/${avatar.avatar_id}/state`)
      .then((/** @type {any} */ state) => (talk.affect.value ??= state))
      .catch(() => {}); // how it feels is told with the next answer too
  }, [talk]);
  useEffect(
    () =>
      effect(() => {
        if (talk.busy.value) toLatest();
      }),
    [talk],
  );
  useEffect(() => {
    document.title = `${talk.session.value?.title ?? avatar.name} · Anima`;
  }, [talk, talk.session.value]);

  /** @param {DragEvent} event */
  function dropped(event) {
    event.preventDefault();
    over.value = false;
    void addDropped(event);
  }

  /** @param {DragEvent} event */
  function left(event) {
    const into = /** @type {Node | null} */ (event.relatedTarget);
    if (!(/** @type {Node} */ (event.currentTarget).contains(into))) over.value = false;
  }

  return html`<div class="talk" data-hidden=${talk.hidden} onDragEnter=${() => (over.value = true)} onDragLeave=${left} onDrop=${dropped}>
    <${Head} talk=${talk} avatar=${avatar} />
    <div class="scroll" ref=${scroller} tabindex="0" role="region" aria-label="What was said">
      <${Lines} talk=${talk} avatar=${avatar} />
    </div>
    <div class="foot">
      ${!following.value &&
      html`<button type="button" class="latest" onClick=${toLatest}><${Icon} name="latest" />To the latest</button>`}
      <${Uploads} />
      <${Composer} talk=${talk} name=${avatar.name} />
    </div>
    ${over.value && html`<div class="drop-here"><p>Drop it here: ${avatar.name} will be able to cite it.</p></div>`}
  </div>`;
}

export function Chat() {
  const avatar = avatarOf(route.value.avatar);
  if (avatar) return html`<${Conversation} avatar=${avatar} />`;
  const failure = new Failure('avatar-not-found', 'There is nobody of that name here.');
  return html`<div class="page"><${Alert} failure=${failure} /><p><a href="#/">See who is there</a></p></div>`;
}
