// You and your data: who you are here, everything to take along, memory to erase, the account to close.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Caring } from '../character/caring.js';
import { Writing } from '../character/writing.js';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, send, user } from '../js/api.js';
import { said } from '../js/house.js';
import { MenuButton } from '../js/rail.js';
import { When } from '../js/time.js';
import { Dialog, GoesAndStays } from './dialog.js';

/** @import { UserAnswer } from '../js/types.js' */

const EXPORT = '/api/v1/users/me/export';
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** @param {{ me: UserAnswer }} props */
function Who({ me }) {
  return html`<dl class="who-you-are">
    <div><dt>User name</dt><dd>${me.username}</dd></div>
    ${me.full_name && html`<div><dt>Name</dt><dd>${me.full_name}</dd></div>`}
    <div><dt>E-mail address</dt><dd>${me.email ?? 'none given'}</dd></div>
    <div><dt>Roles</dt><dd>${me.roles.join(', ') || 'none'}</dd></div>
    <div><dt>Account made</dt><dd><${When} at=${me.created_at} /></dd></div>
  </dl>`;
}

/** Lets the browser save the archive while it is made; it is a link, which cannot renew a sign-in by itself. */
async function save() {
  await get('/users/me');
  const link = document.createElement('a');
  link.href = EXPORT;
  link.download = '';
  link.click();
  said.value = 'Your browser saves the archive.';
}

function TakeAlong() {
  const state = useSignal(/** @type {'' | 'begun' | Failure} */ (''));
  const begin = () =>
    save()
      .then(() => (state.value = 'begun'))
      .catch((error) => (state.value = asFailure(error)));
  return html`<section>
    <h2>Take everything along</h2>
    <p>
      One zip archive with all that is kept of you. Its <code>README.txt</code> says what each file is. Nothing is changed by it.
    </p>
    <details>
      <summary>What is in it, and what is not</summary>
      <div class="two">
        <div>
          <h3>In it</h3>
          <ul>
            <li>your talks, with everything that was said, in all branches</li>
            <li>what avatars hold to be true of you and what happened to you, on what evidence; people and places; open questions</li>
            <li>your avatars, with their personalities, switches and rules, and how close you are</li>
            <li>your documents and their passages, and every file as you brought it</li>
            <li>what models were asked for you and what they answered, with the memories that went in; your searches and ratings</li>
            <li>your account, your roles, and the names and dates of your API keys</li>
          </ul>
        </div>
        <div>
          <h3>Left out</h3>
          <ul>
            <li>passwords, keys and tokens, also those of other engines: they are secrets, kept only as hashes or encrypted</li>
            <li>vectors and word lists for search: they are made of the texts that are in it</li>
            <li>calls kept for a day so that none is done twice, and ids of work that is still to be done</li>
          </ul>
        </div>
      </div>
      <p class="quiet">
        Tables are files of JSON lines. A file that is not there any more is named, with the reason. What is written while the archive is made may be
        in it or not.
      </p>
    </details>
    <div class="row"><button type="button" onClick=${begin}>Save the archive</button></div>
    ${state.value === 'begun' && html`<p class="quiet">Your browser saves it; with many files that takes a while.</p>`}
    ${state.value instanceof Failure && html`<${Alert} failure=${state.value} />`}
  </section>`;
}

/** @typedef {{ facts: number, episodes: number, messages: number }} Erased */

/** @param {number} count @param {string} one */
const counted = (count, one) => `${count} ${one}${count === 1 ? '' : 's'}`;

/** @param {Erased} erased */
const told = ({ facts, episodes, messages }) =>
  `Erased: ${counted(facts, 'fact')} and ${counted(episodes, 'episode')}; ${counted(messages, 'message')} can no longer be recalled.`;

function EraseMemory() {
  const asked = useSignal(false);
  const done = useSignal('');
  const erase = async () => {
    const answer = await send('/users/me/memory', { method: 'DELETE' });
    said.value = done.value = told(await answer.json());
  };
  return html`<section>
    <h2>Erase all memory</h2>
    <p>Every avatar forgets what it knows of you. Your talks stay, with what was said in them.</p>
    <div class="row"><button type="button" class="danger" onClick=${() => (asked.value = true)}>Erase all memory…</button></div>
    ${done.value && html`<p>${done.value}</p>`}
    ${asked.value &&
    html`<${Dialog} title="Erase all memory of you?" act="Erase it" acting="Erasing…" onDone=${erase} onClose=${() => (asked.value = false)}>
      <${GoesAndStays}
        goes=${[
          'facts, what happened, people and places: of every avatar, pinned ones too',
          'what makes earlier words come back in other talks',
          'open questions, what was found out about them, summaries of talks',
          'the memories and prompts that “Why” shows of past answers',
          'changes of the last day that you could have undone',
        ]}
        stays=${[
          'your talks, with what was said in them: each can be gone on with, but nothing said so far is remembered in another one again',
          'your avatars, how close you are, and their moods',
          'your documents',
          'your account',
        ]}
      />
      <p>This cannot be undone.</p>
      <label>Type “erase” to go on <input name="word" required pattern="\\s*[Ee][Rr][Aa][Ss][Ee]\\s*" title="the word erase" autocomplete="off" autocapitalize="none" /></label>
    <//>`}
  </section>`;
}

/** A failure of closing as a person reads it. @param {Failure} failure */
function plainly(failure) {
  if (failure.slug === 'wrong-credentials') return new Failure('', 'That is not your password. Nothing was changed.');
  if (failure.slug !== 'last-admin') return failure;
  return new Failure('', 'You are the only admin here, and without one nobody could run this place. Make an account for another admin first. Nothing was changed.');
}

function CloseAccount() {
  const asked = useSignal(false);
  /** @param {FormData} form */
  const end = async (form) => {
    const body = JSON.stringify({ password: form.get('password') });
    await send('/users/me', { method: 'DELETE', headers: JSON_TYPE, body });
    await fetch('/console/sign-out', { method: 'POST' }).catch(() => {}); // its cookies are good for nothing by now
    // whatever the page still holds of this person goes with it
    location.replace('/console/closed');
    await new Promise(() => {});
  };
  return html`<section>
    <h2>Close your account</h2>
    <p>Everything of yours is erased, for good, and you are signed out everywhere.</p>
    <div class="row"><button type="button" class="danger" onClick=${() => (asked.value = true)}>Close your account…</button></div>
    ${asked.value &&
    html`<${Dialog} title="Close your account for good?" act="Close my account" acting="Closing…" onDone=${end} told=${plainly} onClose=${() => (asked.value = false)}>
      <${GoesAndStays}
        goes=${[
          'your account, sign-ins on every device, API keys; your name is free for others',
          'your avatars, talks, and all memory of you',
          'your documents and files, also on other engines',
          'what was logged of requests and answers',
        ]}
        stays=${[
          'stores that an admin published for everybody',
          'what you wrote in talks of other people, without your name',
          'for a day the number of your account, to look for what came in late',
          'backups, until they are deleted',
          'what providers of models keep of what they were sent',
        ]}
      />
      <p>You are signed out at once; the rest goes as a rule within minutes. This cannot be undone: take everything along first if you may want it.</p>
      <label>Your password <input name="password" type="password" required maxlength="1000" autocomplete="current-password" /></label>
    <//>`}
  </section>`;
}

export function You() {
  useEffect(() => {
    document.title = 'You and your data · Anima';
  }, []);
  const me = user.value;
  if (!me) return null;
  return html`<div class="page you">
    <header class="title"><${MenuButton} /><h1>You and your data</h1></header>
    <section><${Who} me=${me} /></section>
    <${Writing} />
    <${Caring} />
    <${TakeAlong} />
    <${EraseMemory} />
    <${CloseAccount} />
    <section>
      <h2>More about it</h2>
      <p class="quiet">
        <code>docs/privacy.md</code>, which comes with Anima, says of each thing where it is kept, until when, and how it goes;${' '}
        <code>docs/memory.md</code> says how memory works. Programs do the same through${' '}
        <a href="/openapi.json">the API</a>, and in a terminal there are <code>anima memory export</code>, <code>anima memory erase</code> and${' '}
        <code>anima user delete</code>.
      </p>
    </section>
  </div>`;
}
