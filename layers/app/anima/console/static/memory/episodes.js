// What happened to the person, as they told it: how strong each memory is now, and the day on which it fades.

import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { Icon } from '../js/icons.js';
import { go, href, openDrawer, route } from '../js/route.js';
import { When } from '../js/time.js';
import { correct, forget } from './changes.js';
import { Curve, toldOf } from './curve.js';
import { Day, SourceLink, originOf } from './held.js';
import { RecentChanges } from './journal.js';
import { useListing } from './listing.js';
import { AsTable } from './table.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { EpisodeOut } from './types.js' */
/** @import { Listing } from './listing.js' */

const COLUMNS = 'title summary type timestamp importance strength sentiment times_recalled last_recalled forget_at pinned origin source.session_id'.split(' ');
const WEIGHTS = { 5: 'important ones', 7: 'very important ones' };

/** @param {{ episode: EpisodeOut }} props */
export function Kind({ episode }) {
  const origin = episode.origin && episode.origin !== 'said' ? ` · ${originOf(episode.origin)}` : '';
  const feeling = episode.sentiment && episode.sentiment !== 'neutral' ? ` · ${episode.sentiment.replaceAll('_', ' ')}` : '';
  return html`<span class="quiet">${episode.type.replaceAll('_', ' ')}${feeling}${origin}</span>`;
}

/** @param {{ episode: EpisodeOut, avatarId: string }} props */
function Row({ episode, avatarId }) {
  const { id, title, pinned } = episode;
  const pin = () => correct(avatarId, 'episodes', id, { pinned: !pinned }, pinned ? `It may fade again: ${title}` : `Kept for ever: ${title}`);
  return html`<tr>
    <th scope="row">
      <button type="button" class="plain-button" aria-expanded=${route.value.episode === id} onClick=${() => openDrawer({ episode: id })}>${title}</button>
      <${Kind} episode=${episode} />
    </th>
    <td>
      <${SourceLink} avatarId=${avatarId} session=${episode.source.session_id} message=${episode.source.message_ids[0]}><${Day} at=${episode.timestamp} /><//>
      <span class="quiet"><${When} at=${episode.timestamp} /></span>
    </td>
    <td class="number" data-label="importance">${episode.importance.toFixed(1)} <span class="quiet">of 10</span></td>
    <td class="strength"><${Curve} episode=${episode} /><span class="quiet">${toldOf(episode)}</span></td>
    <td class="acts">
      <button type="button" class="ghost" title=${pinned ? 'Kept for ever' : 'Keep it for ever'} aria-pressed=${pinned} aria-label=${`Pin: ${title}`} onClick=${pin}><${Icon} name="pin" /></button>
      <button type="button" class="ghost" title="Correct" aria-label=${`Correct: ${title}`} onClick=${() => openDrawer({ episode: id })}><${Icon} name="edit" /></button>
      <button type="button" class="ghost" title="Forget" aria-label=${`Forget: ${title}`} onClick=${() => forget(avatarId, 'episodes', id, title)}><${Icon} name="trash" /></button>
    </td>
  </tr>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Episodes({ avatar }) {
  const filter = new URLSearchParams(route.value.query);
  const id = avatar.avatar_id;
  const path = `/avatars/${id}/episodes?${filter}`;
  /** @type {Listing<EpisodeOut>} */
  const { items, more, failure, further } = useListing(path);
  const found = items.value;
  const weighed = (/** @type {any} */ event) => go({ ...route.value, query: event.target.value ? `min_importance=${event.target.value}` : undefined }, { replace: true });
  return html`
    ${(filter.size > 0 || Boolean(found?.length)) &&
    html`<div class="row filters">
      <label for="weight">Show</label>
      <select id="weight" value=${filter.get('min_importance') ?? ''} onChange=${weighed}>
        <option value="">all of it</option>
        ${Object.entries(WEIGHTS).map(([least, words]) => html`<option value=${least}>${words}</option>`)}
      </select>
      <span>A memory fades unless it is recalled; what is pinned stays.</span>
    </div>`}
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!found && !failure.value && html`<p class="waiting" role="status">Remembering…</p>`}
    ${found?.length === 0 &&
    html`<p class="empty">
      ${filter.size ? 'Nothing so important is kept.' : html`Nothing that happened to you is kept. <a href=${href({ place: 'chat', avatar: id })}>Tell ${avatar.name} about your day.</a>`}
    </p>`}
    ${Boolean(found?.length) &&
    html`<table class="kept">
      <thead>
        <tr>
          <th scope="col">What happened</th><th scope="col">When</th><th scope="col" class="number">Importance</th><th scope="col">Strength</th>
          <th scope="col"><span class="unseen">What to do</span></th>
        </tr>
      </thead>
      <tbody>${found?.map((one) => html`<${Row} key=${one.id} episode=${one} avatarId=${id} />`)}</tbody>
    </table>`}
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${further}>What happened before</button></p>`}
    ${Boolean(found?.length) && html`<p class="quiet"><${AsTable} path=${path} name=${`what happened, for ${avatar.name}`} columns=${COLUMNS} /></p>`}
    <${RecentChanges} avatarId=${id} />
  `;
}
