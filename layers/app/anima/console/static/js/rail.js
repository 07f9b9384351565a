// The rail: who is there, the talks by day, and the other places.

import { computed, signal } from '@preact/signals';
import { html } from 'htm/preact';
import { signOut, user } from './api.js';
import { sure } from './ask.js';
import { attempt, avatars, deleteSession, loadMoreSessions, moreSessions, sessions } from './house.js';
import { Icon } from './icons.js';
import { Portrait } from './portrait.js';
import { go, href, hrefOfTalk, route } from './route.js';
import { nextTheme, theme } from './theme.js';
import { dayOf } from './time.js';

/** @import { Route } from './route.js' */
/** @import { SessionAnswer } from './types.js' */

export const railOpen = signal(false);
export const narrow = signal(matchMedia('(max-width: 60rem)').matches);
matchMedia('(max-width: 60rem)').addEventListener('change', (event) => {
  narrow.value = event.matches;
});
addEventListener('hashchange', () => {
  railOpen.value = false;
});

/** The talks in the order in which they began, the newest first, under their days. */
const days = computed(() => {
  /** @type {Map<string, SessionAnswer[]>} */
  const found = new Map();
  for (const session of sessions.value ?? []) {
    const day = dayOf(session.started_at);
    found.set(day, [...(found.get(day) ?? []), session]);
  }
  return [...found];
});

/** @param {SessionAnswer} session */
async function forget(session) {
  const title = session.title ?? 'Untitled talk';
  const question = `Delete “${title}” with all that was said in it? What was learnt from it stays in memory.`;
  if (!(await sure(question, 'Delete'))) return;
  void attempt(async () => {
    await deleteSession(session.session_id);
    if (route.value.session === session.session_id) go({ place: 'chat', avatar: session.avatar_id ?? '' });
  });
}

/** @param {{ session: SessionAnswer }} props */
function Entry({ session }) {
  const here = route.value.session === session.session_id;
  const title = session.title ?? (session.private ? 'Private talk' : 'Untitled talk');
  return html`<li class="entry">
    <a href=${hrefOfTalk(session)} aria-current=${here ? 'page' : undefined} title=${title}>
      ${session.private && html`<${Icon} name="lock" />`}<span>${title}</span>
    </a>
    <button type="button" class="ghost" aria-label=${`Delete the talk ${title}`} onClick=${() => forget(session)}>
      <${Icon} name="trash" />
    </button>
  </li>`;
}

function Talks() {
  if (sessions.value?.length === 0) return html`<p class="quiet">No talk yet. Choose somebody and say hello.</p>`;
  return html`
    ${days.value.map(
      ([day, list]) => html`<section key=${day}>
        <h2>${day}</h2>
        <ul>
          ${list.map((session) => html`<${Entry} key=${session.session_id} session=${session} />`)}
        </ul>
      </section>`,
    )}
    ${moreSessions.value &&
    html`<button type="button" class="quiet-button" onClick=${() => attempt(loadMoreSessions)}>Older talks</button>`}
  `;
}

/** @param {{ place: Route['place'], icon: string, children?: any, avatar?: string }} props */
function To({ place, icon, avatar, children }) {
  const here = route.value.place === place;
  return html`<a href=${href({ place, avatar })} aria-current=${here ? 'page' : undefined}>
    <${Icon} name=${icon} />${children}
  </a>`;
}

/** Whether a talk with this avatar is about to begin. @param {string} avatarId */
function isHere(avatarId) {
  const { place, avatar, session } = route.value;
  return place === 'chat' && avatar === avatarId && session === undefined;
}

export function Rail() {
  const hidden = narrow.value && !railOpen.value;
  const avatar = route.value.avatar ?? avatars.value?.[0]?.avatar_id;
  return html`
    ${narrow.value &&
    railOpen.value &&
    html`<button type="button" class="veil" aria-label="Close the menu" onClick=${() => (railOpen.value = false)} />`}
    <nav class="rail" aria-label="Places" data-open=${railOpen.value} inert=${hidden}>
      <a class="brand" href="#/">Anima</a>
      <ul class="avatars">
        ${(avatars.value ?? []).map(
          (one) => html`<li key=${one.avatar_id}>
            <a
              href=${href({ place: 'chat', avatar: one.avatar_id })}
              aria-current=${isHere(one.avatar_id) ? 'page' : undefined}
            >
              <${Portrait} avatar=${one} size=${28} />${one.name}
            </a>
          </li>`,
        )}
      </ul>
      <div class="talks"><${Talks} /></div>
      <div class="places">
        <${To} place="home" icon="home">Home<//>
        ${avatar && html`<${To} place="memory" icon="memory" avatar=${avatar}>Memory<//>`}
        <${To} place="documents" icon="book">Knowledge<//>
        <${To} place="avatars" icon="people">Avatars<//>
        ${user.value?.roles.some((role) => role !== 'viewer') && html`<${To} place="learning" icon="curve">Learning<//><${To} place="models" icon="layers">Models<//>`}
        ${user.value?.roles.includes('admin') && html`<${To} place="safety" icon="shield">Safety<//><${To} place="admin" icon="settings">Admin<//>`}
        <div class="foot">
          <a href="#/you" title="You and your data" aria-current=${route.value.place === 'you' ? 'page' : undefined}>
            <${Icon} name="settings" /><span>${user.value?.username}</span>
          </a>
          <button type="button" class="ghost" title=${`Colours: ${theme.value}`} aria-label=${`Colours: ${theme.value}. Change`} onClick=${nextTheme}>
            <${Icon} name="light" />
          </button>
          <button type="button" class="ghost" title="Sign out" aria-label="Sign out" onClick=${() => attempt(signOut)}>
            <${Icon} name="leave" />
          </button>
        </div>
      </div>
    </nav>
  `;
}

export function MenuButton() {
  if (!narrow.value) return null;
  return html`<button
    type="button"
    class="ghost"
    aria-label="Menu"
    aria-expanded=${railOpen.value}
    onClick=${() => {
      railOpen.value = true;
      requestAnimationFrame(() => document.querySelector(/** @type {'a'} */ ('.rail a'))?.focus());
    }}
  >
    <${Icon} name="menu" />
  </button>`;
}
