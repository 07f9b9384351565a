// What the avatar would like to know: gaps that it noticed, what it found about them, and how much it may look for.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { get, post } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { go, href, route } from '../js/route.js';
import { When } from '../js/time.js';
import { changed } from './changes.js';
import { SourceLink } from './held.js';
import { useListing } from './listing.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Listing } from './listing.js' */
/** @import { CuriosityOut, GapOut } from './types.js' */

const LOOK_AGAIN_MS = 2000;
const PATIENCE_MS = 20_000;
/** Until when a research that was asked for may still bring something. */
let expected = 0;
/** @type {Record<string, string>} */
const KINDS = { unknown: 'you asked, and it was not known', unexplained: 'mentioned and never explained', contradiction: 'you said one thing and another' };
/** @type {Record<string, string>} */
const STATES = { open: 'open', researching: 'being looked up', answered: 'answered', asked: 'it asked you', dismissed: 'put aside' };

/** @param {{ gap: GapOut }} props */
function Finding({ gap }) {
  const found = gap.finding;
  if (!found) return null;
  const link = found.source_uri && /^https?:\/\//.test(found.source_uri);
  return html`<div class="finding">
    <p class="words">${found.text}</p>
    <p class="quiet">
      from${' '}
      <a href=${href({ place: 'documents', document: found.document_id })}>${found.title}</a>
      ${found.source_uri && html`${' · '}${link ? html`<a href=${found.source_uri} target="_blank" rel="noopener noreferrer">${found.source_uri}</a>` : found.source_uri}`}
      ${gap.told_at && html`${' · '}<span>it told you <${When} at=${gap.told_at} /></span>`}
    </p>
  </div>`;
}

/** @param {{ gap: GapOut, avatarId: string }} props */
function Row({ gap, avatarId }) {
  const aside = gap.state === 'dismissed';
  const set = (/** @type {string} */ state, /** @type {string} */ told) => () =>
    attempt(async () => {
      await post(`/avatars/${avatarId}/gaps/${gap.gap_id}`, { state }, 'PATCH');
      if (state === 'open') expected = Date.now() + PATIENCE_MS;
      said.value = told;
      changed.value += 1;
    });
  return html`<tr>
    <th scope="row" class="words">
      ${gap.question}
      <span class="quiet">
        ${KINDS[gap.kind] ?? gap.kind} · <${SourceLink} avatarId=${avatarId} session=${gap.source.session_id} message=${gap.source.message_id}><${When} at=${gap.last_seen} /><//>${gap.mention_count > 1 ? ` · ${gap.mention_count} times` : ''}
      </span>
      <${Finding} gap=${gap} />
    </th>
    <td><span class="mark" data-mark=${gap.state}>${STATES[gap.state] ?? gap.state}</span>${gap.researched_at && html`<span class="quiet">looked up <${When} at=${gap.researched_at} />${gap.finding ? '' : ', nothing found'}</span>`}</td>
    <td class="number"><meter min="0" max="1" value=${gap.score} aria-hidden="true" /> ${gap.score.toFixed(2)}</td>
    <td class="acts">
      ${(aside || (gap.state === 'open' && gap.researched_at && !gap.finding)) &&
      html`<button type="button" class="quiet-button" aria-label=${`Look again: ${gap.question}`} onClick=${set('open', 'It is looked up again.')}>Look again</button>`}
      ${!aside &&
      html`<button type="button" class="quiet-button" aria-label=${`Put aside: ${gap.question}`} onClick=${set('dismissed', 'Put aside.')}>Put aside</button>`}
    </td>
  </tr>`;
}

/** How much it may look for. @param {{ avatar: AvatarAnswer }} props */
function Allowed({ avatar }) {
  const budget = useSignal(/** @type {CuriosityOut | null} */ (null));
  const path = `/avatars/${avatar.avatar_id}/curiosity`;
  useEffect(() => {
    get(path)
      .then((/** @type {any} */ found) => (budget.value = found))
      .catch(() => {});
  }, [path]);
  const now = budget.value;
  if (!now) return null;
  const set = (/** @type {any} */ event) =>
    attempt(async () => {
      budget.value = await post(path, { searches_a_day: Number(event.target.value) }, 'PATCH');
      said.value = 'That was kept.';
    });
  return html`<p class="note">
    ${now.on ? `${avatar.name} looks things up by itself, ` : `${avatar.name} is not curious: `}
    ${now.on
      ? html`at most <label class="inline"><span class="unseen">Searches a day</span><input class="count" type="number" min="0" max="1000" value=${now.searches_a_day} onChange=${set} /></label> times a day (${now.searches_today} today), and asks or tells of it at most once in ${now.turns_between} turns. `
      : 'nothing is looked up. '}
    <a href=${href({ place: 'avatar', avatar: avatar.avatar_id })}>${now.on ? 'Switch it off' : 'Switch it on'}</a>
  </p>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Curiosity({ avatar }) {
  const id = avatar.avatar_id;
  const filter = new URLSearchParams(route.value.query);
  /** @type {Listing<GapOut>} */
  const { items, more, failure, further } = useListing(`/avatars/${id}/gaps?${filter}`);
  const found = items.value;
  useEffect(() => {
    const timer = setInterval(() => {
      const waits = items.value?.some((one) => one.state === 'researching' || (one.state === 'open' && !one.researched_at));
      if (waits || Date.now() < expected) changed.value += 1;
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const shown = (/** @type {any} */ event) => go({ ...route.value, query: event.target.value ? `state=${event.target.value}` : undefined }, { replace: true });
  return html`
    <${Allowed} avatar=${avatar} />
    ${(filter.size > 0 || Boolean(found?.length)) &&
    html`<div class="row filters">
      <label for="gaps">Show</label>
      <select id="gaps" value=${filter.get('state') ?? ''} onChange=${shown}>
        <option value="">all questions</option>
        ${Object.entries(STATES).map(([state, words]) => html`<option value=${state}>${words}</option>`)}
      </select>
      <a href=${href({ place: 'documents', query: 'purpose=findings' })}>All that was found</a>
    </div>`}
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!found && !failure.value && html`<p class="waiting" role="status">Wondering…</p>`}
    ${found?.length === 0 &&
    html`<p class="empty">${filter.size ? 'No question is like that.' : `${avatar.name} has no open question. They come from talks: what was asked and not known, named and never explained.`}</p>`}
    ${Boolean(found?.length) &&
    html`<table class="kept">
      <thead>
        <tr><th scope="col">Question</th><th scope="col">State</th><th scope="col" class="number">Worth knowing</th><th scope="col"><span class="unseen">What to do</span></th></tr>
      </thead>
      <tbody>${found?.map((one) => html`<${Row} key=${one.gap_id} gap=${one} avatarId=${id} />`)}</tbody>
    </table>`}
    ${more.value && html`<p class="centre"><button type="button" class="quiet-button" onClick=${further}>More questions</button></p>`}
  `;
}
