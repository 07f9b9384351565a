// The facts that an avatar knows: since when they hold, how often they were said, the words they come from.

import { html } from 'htm/preact';
import { useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Icon } from '../js/icons.js';
import { go, href, openDrawer, route } from '../js/route.js';
import { correct, forget } from './changes.js';
import { FactSource, Held, originOf, spoken } from './held.js';
import { RecentChanges } from './journal.js';
import { useListing } from './listing.js';
import { AsTable } from './table.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { FactOut } from './types.js' */
/** @import { Listing } from './listing.js' */

const CATEGORIES = 'personal_info location work education family relationships pets health preferences interests plans possessions experiences'.split(' ');

const COLUMNS = 'text category key value status mention_count true_from true_until learned_at ended_at pinned origin source.evidence source.message_id'.split(' ');

/** @param {string} category */
export const named = (category) => category.replaceAll('_', ' ');

/** How sure a fact is, where from if not plainly said. @param {{ fact: FactOut }} props */
export function Standing({ fact }) {
  const state = !fact.is_active ? 'history' : fact.status;
  const words = { history: 'no longer', confirmed: 'confirmed' }[state] ?? 'not confirmed yet';
  const origin = fact.origin && !['said', 'proposed'].includes(fact.origin) ? ` · ${originOf(fact.origin)}` : '';
  return html`<span class="quiet">
    <span class="mark" data-mark=${state}>${words}</span>${` · ${named(fact.category)}`}${origin}${fact.mention_count > 1 ? ` · said ${fact.mention_count} times` : ''}${fact.pinned ? ' · pinned' : ''}
  </span>`;
}

/** @param {{ fact: FactOut, avatarId: string }} props */
function Row({ fact, avatarId }) {
  const { id, pinned } = fact;
  const text = spoken(fact.text);
  const change = (/** @type {Record<string, any>} */ what, /** @type {string} */ told) => () => correct(avatarId, 'facts', id, what, told);
  return html`<tr data-active=${fact.is_active}>
    <th scope="row">
      <button type="button" class="plain-button" aria-expanded=${route.value.fact === id} onClick=${() => openDrawer({ fact: id })}>${text}</button>
      <${Standing} fact=${fact} />
    </th>
    <td><${Held} fact=${fact} /></td>
    <td class="words"><${FactSource} fact=${fact} avatarId=${avatarId} /></td>
    <td class="acts">
      ${fact.is_active &&
      html`${fact.status !== 'confirmed' &&
        html`<button type="button" class="ghost" title="That is right" aria-label=${`That is right: ${text}`} onClick=${change({ confirmed: true }, `Confirmed: ${text}`)}><${Icon} name="check" /></button>`}
        <button type="button" class="ghost" title="Correct" aria-label=${`Correct: ${text}`} onClick=${() => openDrawer({ fact: id })}><${Icon} name="edit" /></button>
        <button type="button" class="ghost" title=${pinned ? 'Pinned' : 'Pin'} aria-pressed=${pinned} aria-label=${`Pin: ${text}`} onClick=${change({ pinned: !pinned }, pinned ? `Not pinned any more: ${text}` : `Pinned: ${text}`)}>
          <${Icon} name="pin" />
        </button>`}
      <button type="button" class="ghost" title="Forget" aria-label=${`Forget: ${text}`} onClick=${() => forget(avatarId, 'facts', id, text)}><${Icon} name="trash" /></button>
    </td>
  </tr>`;
}

/** @param {{ filter: URLSearchParams, onChange: (name: string, value: string) => void }} props */
function Filter({ filter, onChange }) {
  const words = useRef(/** @type {HTMLInputElement | null} */ (null));
  const submitted = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    onChange('q', words.current?.value.trim() ?? '');
  };
  return html`<form class="row filters" role="search" onSubmit=${submitted}>
    <label class="unseen" for="words">Only with these words</label>
    <input id="words" key=${filter.get('q')} ref=${words} type="search" placeholder="Only with these words" defaultValue=${filter.get('q') ?? ''} onChange=${submitted} />
    <label class="unseen" for="category">Only of</label>
    <select id="category" value=${filter.get('category') ?? ''} onChange=${(/** @type {any} */ event) => onChange('category', event.target.value)}>
      <option value="">everything</option>
      ${CATEGORIES.map((one) => html`<option value=${one}>${named(one)}</option>`)}
    </select>
    <label class="tick"><input type="checkbox" checked=${filter.has('history')} onChange=${(/** @type {any} */ event) => onChange('history', event.target.checked ? 'true' : '')} />also what holds no more</label>
    <label class="inline">as known on <input type="date" value=${(filter.get('at') ?? '').slice(0, 10)} onChange=${(/** @type {any} */ event) => onChange('at', event.target.value)} /></label>
  </form>`;
}

/** @param {{ avatar: AvatarAnswer, filtered: boolean }} props */
function Nothing({ avatar, filtered }) {
  const id = avatar.avatar_id;
  if (filtered) {
    return html`<p class="empty">Nothing that is known is like that. <a href=${href({ place: 'memory', avatar: id })}>Show all of it</a></p>`;
  }
  return html`<div class="empty">
    <p>${avatar.name} remembers nothing about you yet.</p>
    <p>
      <a href=${href({ place: 'chat', avatar: id })}>Tell ${avatar.name} something</a>: what you like, where you live, what happened today. Or
      <a href=${href({ place: 'memory', avatar: id, part: 'past' })}>bring in past chats</a>.
    </p>
  </div>`;
}

/** The day of the address as the end of that day, which is what "known on" asks for. @param {URLSearchParams} filter */
function asked(filter) {
  const query = new URLSearchParams(filter);
  const day = query.get('at');
  if (day) query.set('at', new Date(day.length > 10 ? day : `${day}T23:59:59`).toISOString());
  return query;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Facts({ avatar }) {
  const filter = new URLSearchParams(route.value.query);
  const path = `/avatars/${avatar.avatar_id}/facts?${asked(filter)}`;
  /** @type {Listing<FactOut>} */
  const { items, more, failure, further } = useListing(path);
  const found = items.value;
  const change = (/** @type {string} */ name, /** @type {string} */ value) => {
    if (value) filter.set(name, value);
    else filter.delete(name);
    go({ ...route.value, query: filter.toString() || undefined }, { replace: true });
  };
  const filtered = Boolean(filter.size);
  const at = filter.get('at');
  return html`
    ${(filtered || Boolean(found?.length)) && html`<${Filter} filter=${filter} onChange=${change} />`}
    ${at && html`<p class="note" role="status">This is what ${avatar.name} knew on ${at.slice(0, 10)}. <button type="button" class="quiet-button" onClick=${() => change('at', '')}>Show what is known now</button></p>`}
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!found && !failure.value && html`<p class="waiting" role="status">Remembering…</p>`}
    ${found?.length === 0 && html`<${Nothing} avatar=${avatar} filtered=${filtered} />`}
    ${Boolean(found?.length) &&
    html`<table class="kept">
      <thead>
        <tr><th scope="col">Fact</th><th scope="col">Holds</th><th scope="col">Comes from</th><th scope="col"><span class="unseen">What to do</span></th></tr>
      </thead>
      <tbody>${found?.map((one) => html`<${Row} key=${one.id} fact=${one} avatarId=${avatar.avatar_id} />`)}</tbody>
    </table>`}
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${further}>Older facts</button></p>`}
    ${Boolean(found?.length) && html`<p class="quiet"><${AsTable} path=${path} name=${`facts of ${avatar.name}`} columns=${COLUMNS} /></p>`}
    <${RecentChanges} avatarId=${avatar.avatar_id} />
  `;
}
