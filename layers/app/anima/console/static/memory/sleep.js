// What the avatar did with its memories in its last sleep, and a way to let it sleep now.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, post } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { When } from '../js/time.js';
import { changed } from './changes.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** @import { SleepOut, SleepStep } from './types.js' */

const LOOK_AGAIN_MS = 800;
const RUNNING = ['queued', 'asleep'];
/** @type {Record<string, string>} */
const STATES = { never: 'has not slept yet', queued: 'is about to fall asleep', asleep: 'sleeps', awake: 'is awake' };
/** Each step, and what it counts in words. @type {Record<string, [string, (counts: Record<string, number>) => string]>} */
const STEPS = {
  forget: ['What had faded let go', ({ episodes }) => counted(episodes, 'memory', 'memories')],
  fold: ['Duplicates folded', ({ episodes }) => counted(episodes, 'memory', 'memories')],
  merge: ['Like memories put together', ({ episodes, into }) => (episodes ? `${counted(episodes, 'memory', 'memories')} into ${into}` : '')],
  promote: ['What recurs made a fact', ({ facts }) => counted(facts, 'fact', 'facts')],
  refresh: ['Long talks summed up anew', ({ sessions }) => counted(sessions, 'talk', 'talks')],
};
/** @type {Record<string, string>} */
const STEP_STATES = { done: 'done', running: 'under way', waiting: 'still to come', left: 'not come to' };
/** @type {Record<string, string>} */
const REASONS = { time: 'It woke before it was done, as its time was over; the next sleep goes on.' };

/** @param {number | undefined} count @param {string} one @param {string} many */
const counted = (count, one, many) => (count ? `${count} ${count === 1 ? one : many}` : '');

/** What came of a step. @param {SleepStep} step */
function toldOf({ name, state, counts }) {
  if (state !== 'done') return '';
  const known = STEPS[name];
  const told = known ? known[1](counts) : Object.entries(counts).map(([what, count]) => `${what}: ${count}`).join(', ');
  return told || 'nothing to do';
}

/** @param {{ sleep: SleepOut }} props */
function Steps({ sleep }) {
  if (!sleep.steps.length) return null;
  return html`<table class="kept">
    <thead><tr><th scope="col">Step</th><th scope="col">State</th><th scope="col">What came of it</th></tr></thead>
    <tbody>
      ${sleep.steps.map(
        (step) => html`<tr key=${step.name}>
          <th scope="row">${STEPS[step.name]?.[0] ?? step.name}</th>
          <td><span class="mark" data-mark=${step.state}>${STEP_STATES[step.state] ?? step.state}</span></td>
          <td class="quiet">${toldOf(step)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Sleep({ avatar }) {
  const sleep = useSignal(/** @type {SleepOut | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const asked = useRef(0);
  const path = `/avatars/${avatar.avatar_id}/sleep`;
  const load = () => {
    const turn = ++asked.current;
    return get(path)
      .then((/** @type {any} */ found) => {
        if (turn !== asked.current) return;
        const was = sleep.value;
        sleep.value = found;
        if (was && RUNNING.includes(was.state) && !RUNNING.includes(found.state)) {
          said.value = `${avatar.name} is awake again.`;
          changed.value += 1;
        }
      })
      .catch((error) => {
        if (turn === asked.current) failure.value = asFailure(error);
      });
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => {
      if (sleep.value && RUNNING.includes(sleep.value.state)) void load();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [path]);
  const begin = () =>
    attempt(async () => {
      await post(path, {});
      await load();
    });
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  const now = sleep.value;
  const state = now?.state ?? 'never';
  return html`
    <div class="row filters asleep">
      <p role="status">
        ${avatar.name} ${STATES[state] ?? state}${state === 'awake' && now?.ended_at && html`, and slept last <${When} at=${now.ended_at} />`}.
      </p>
      <button type="button" disabled=${RUNNING.includes(state)} onClick=${begin}>Let ${avatar.name} sleep now</button>
    </div>
    ${now?.reason && html`<p class="note">${REASONS[now.reason] ?? now.reason}</p>`}
    ${now && html`<${Steps} sleep=${now} />`}
    <p class="quiet">
      In sleep like memories are put together, duplicates folded, what recurs becomes a fact, and what has faded is let go. It happens by itself
      when nobody talks.
      ${now?.tokens ? ` The last one took ${now.tokens} tokens.` : ''}
    </p>
  `;
}
