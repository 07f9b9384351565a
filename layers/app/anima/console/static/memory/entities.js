// Whom and what the person speaks of with this avatar.

import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { href } from '../js/route.js';
import { When } from '../js/time.js';
import { useListing } from './listing.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Listing } from './listing.js' */
/** @import { EntityOut } from './types.js' */

/** @param {{ entity: EntityOut, avatarId: string }} props */
function Row({ entity, avatarId }) {
  const { name, aliases, kind, relation, mention_count: count } = entity;
  return html`<tr>
    <th scope="row">
      <a class="plain-link" href=${href({ place: 'memory', avatar: avatarId, query: new URLSearchParams({ q: name }).toString() })}>${name}</a>
      ${aliases.length > 0 && html`<span class="quiet">also ${aliases.join(', ')}</span>`}
    </th>
    <td>${kind}${relation && html`<span class="quiet">your ${relation}</span>`}</td>
    <td class="number">${count === 1 ? 'once' : `${count} times`}</td>
    <td><${When} at=${entity.last_seen} /><span class="quiet">first <${When} at=${entity.first_seen} /></span></td>
    <td><a href=${href({ place: 'memory', avatar: avatarId, part: 'search', query: new URLSearchParams({ q: name }).toString() })}>What was said<span class="unseen"> of ${name}</span></a></td>
  </tr>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Entities({ avatar }) {
  const id = avatar.avatar_id;
  /** @type {Listing<EntityOut>} */
  const { items, more, failure, further } = useListing(`/avatars/${id}/entities`);
  const found = items.value;
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  if (!found) return html`<p class="waiting" role="status">Remembering…</p>`;
  if (!found.length) {
    return html`<p class="empty">You have spoken of nobody yet. <a href=${href({ place: 'chat', avatar: id })}>Tell ${avatar.name} who matters to you.</a></p>`;
  }
  return html`<table class="kept">
      <thead>
        <tr><th scope="col">Name</th><th scope="col">Is</th><th scope="col" class="number">Mentioned</th><th scope="col">Last</th><th scope="col"><span class="unseen">More</span></th></tr>
      </thead>
      <tbody>${found.map((one) => html`<${Row} key=${one.entity_id} entity=${one} avatarId=${id} />`)}</tbody>
    </table>
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${further}>More of them</button></p>`}`;
}
