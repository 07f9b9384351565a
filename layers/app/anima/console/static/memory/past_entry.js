// One import of past chats: how far it is, what came of it, and a way to take it back.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { get, remove } from '../js/api.js';
import { sure } from '../js/ask.js';
import { attempt, said } from '../js/house.js';
import { href } from '../js/route.js';
import { When } from '../js/time.js';
import { isOver, leftOf } from '../js/words.js';
import { changed } from './changes.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { DocumentAnswer } from '../knowledge/types.js' */
/** @import { TranscriptAnswer } from './types.js' */

const LOOK_AGAIN_MS = 700;
/** @type {Record<string, string>} */
const STAGES = { queued: 'Waiting to be read', parse: 'Reading the conversations', embed: 'Learning what was said', extract: 'Finding facts in it' };
/** @type {Record<string, string>} */
const ORIGINS = { chatgpt: 'ChatGPT', claude: 'Claude', whatsapp: 'WhatsApp', plain: 'plain text', turns: 'turns' };
/** @type {Record<string, string>} */
const ODD = { out_of_order: 'out of order', from_the_future: 'dated in the future', undated: 'without a date', empty: 'empty' };

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** How far the stage is: of bytes where it is read, of turns afterwards. @param {DocumentAnswer} one @returns {[number, number | null]} */
const partOf = (one) => (one.stage === 'parse' ? [one.units_done, one.units_total] : [one.chunks_done, one.chunks_total]);

/** "1,200 of 5,400 turns" @param {DocumentAnswer} one */
function countOf(one) {
  const [done, total] = partOf(one);
  if (!done || !total) return '';
  if (one.stage === 'parse') return `${Math.round((100 * done) / total)} %`;
  return `${done.toLocaleString('en')} of ${total.toLocaleString('en')} turns`;
}

/** The share of all stages, 0 to 1. @param {DocumentAnswer | null} one */
function shareOf(one) {
  if (!one) return 0.03;
  const [done, total] = partOf(one);
  const first = { parse: 0.05, embed: 0.3, extract: 0.7 }[one.stage] ?? 0.03;
  return first + 0.28 * (total ? Math.min(1, done / total) : 0);
}

/** What happens with it now, looked at again and again. @param {{ transcript: TranscriptAnswer }} props */
function Progress({ transcript }) {
  const now = useSignal(/** @type {DocumentAnswer | null} */ (null));
  useEffect(() => {
    const look = async () => {
      const found = /** @type {DocumentAnswer | null} */ (await get(`/documents/${transcript.document_id}`).catch(() => null));
      now.value = found;
      if (!found || isOver(found.state)) changed.value += 1;
    };
    const timer = setInterval(look, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [transcript.document_id]);
  const one = now.value;
  const told = [STAGES[one?.stage ?? transcript.stage] ?? 'Being read', one && countOf(one), one && leftOf(one.seconds_left)];
  return html`<p class="quiet"><span class="mark" data-mark="running" role="status">${told.filter(Boolean).join(' · ')}</span></p>
    <progress max="1" value=${shareOf(one)} aria-label=${`Progress of ${transcript.title}`} />`;
}

/** What came of it. @param {{ transcript: TranscriptAnswer }} props */
function Outcome({ transcript }) {
  const { state, reason, origin, sessions, messages, counts } = transcript;
  const odd = Object.entries(ODD).flatMap(([name, words]) => (counts[name] ? [`${counts[name]} ${words}`] : []));
  return html`<p class="quiet">
      <span class="mark" data-mark=${state}>
        ${state === 'done' ? `Remembered: ${counted(messages, 'message', 'messages')} of ${counted(sessions, 'talk', 'talks')}` : (reason ?? 'It could not be read.')}
      </span>
      ${[origin && (ORIGINS[origin] ?? origin), ...odd].filter(Boolean).map((one) => ` · ${one}`)}${' · '}<${When} at=${transcript.created_at} />
    </p>
    ${state === 'done' && reason && html`<p class="quiet">${reason}</p>`}`;
}

/** @param {{ transcript: TranscriptAnswer, avatar: AvatarAnswer }} props */
export function Entry({ transcript, avatar }) {
  const { document_id: id, title, state } = transcript;
  const over = isOver(state);
  const forget = () =>
    attempt(async () => {
      if (!(await sure(`Forget “${title}” with all that ${avatar.name} learnt from it?`, 'Forget it'))) return;
      await remove(`/documents/${id}`);
      said.value = 'Forgotten.';
      changed.value += 1;
    });
  return html`<li class="item">
    <div>
      <p>${title}</p>
      ${over ? html`<${Outcome} transcript=${transcript} />` : html`<${Progress} transcript=${transcript} />`}
    </div>
    <div class="row">
      ${state === 'done' && html`<a href=${href({ place: 'memory', avatar: avatar.avatar_id })}>What was learnt</a>`}
      <button type="button" class="quiet-button" aria-label=${`Forget ${title}`} onClick=${forget}>Forget it</button>
    </div>
  </li>`;
}
