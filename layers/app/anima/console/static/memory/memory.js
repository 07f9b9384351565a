// What an avatar remembers of the person: facts, what happened, whom they speak of, and what becomes of it all.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { avatarOf, avatars } from '../js/house.js';
import { Icon } from '../js/icons.js';
import { Portrait } from '../js/portrait.js';
import { MenuButton } from '../js/rail.js';
import { go, href, route } from '../js/route.js';
import { Undo } from './changes.js';
import { Curiosity } from './curiosity.js';
import { Entities } from './entities.js';
import { Episodes } from './episodes.js';
import { Facts } from './facts.js';
import { Past } from './past.js';
import { Search } from './search.js';
import { Sleep } from './sleep.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** @type {[string | undefined, string, any][]} */
const PARTS = [
  [undefined, 'Facts', Facts],
  ['episodes', 'What happened', Episodes],
  ['entities', 'People and places', Entities],
  ['search', 'Search', Search],
  ['curiosity', 'Curiosity', Curiosity],
  ['past', 'Past chats', Past],
  ['sleep', 'Sleep', Sleep],
];

/** @param {{ avatar: AvatarAnswer }} props */
function Head({ avatar }) {
  const others = avatars.value ?? [];
  const { part } = route.value;
  return html`<header class="title">
    <${MenuButton} />
    <${Portrait} avatar=${avatar} size=${36} />
    <h1>What ${avatar.name} remembers of you</h1>
    <div class="row">
      ${others.length > 1 &&
      html`<label class="unseen" for="whose">Whose memory</label>
        <select id="whose" value=${avatar.avatar_id} onChange=${(/** @type {any} */ event) => go({ place: 'memory', avatar: event.target.value, part })}>
          ${others.map((one) => html`<option value=${one.avatar_id}>${one.name}</option>`)}
        </select>`}
      <a class="ghost" href=${href({ place: 'avatar', avatar: avatar.avatar_id })} aria-label=${`What ${avatar.name} may keep, and who may see it`} title="What may be kept, and who may see it">
        <${Icon} name="settings" />
      </a>
    </div>
  </header>`;
}

export function Memory() {
  const { avatar: named, part } = route.value;
  const avatar = avatarOf(named) ?? (named ? undefined : avatars.value?.[0]);
  const name = avatar?.name ?? '';
  const tabs = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    document.title = `Memory of ${name} · Anima`;
  }, [name]);
  useEffect(() => {
    tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [part]);
  if (!avatar) return html`<div class="page"><p>Nobody is here who could remember. <a href="#/">Invite somebody.</a></p></div>`;
  const [, , Part] = PARTS.find(([to]) => to === part) ?? PARTS[0] ?? [];
  return html`<div class="page memory">
    <${Head} avatar=${avatar} />
    <nav class="tabs" aria-label="Memory" ref=${tabs}>
      ${PARTS.map(
        ([to, words]) =>
          html`<a href=${href({ place: 'memory', avatar: avatar.avatar_id, part: to })} aria-current=${part === to ? 'page' : undefined}>${words}</a>`,
      )}
    </nav>
    <${Part} key=${avatar.avatar_id} avatar=${avatar} />
    <${Undo} />
  </div>`;
}
