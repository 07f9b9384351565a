// The page of an avatar: what is set for it (name, model, what it may keep, what may leave this machine), and its other parts.

import { signal, useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, get, post } from '../js/api.js';
import { attempt, avatarOf, avatars, said } from '../js/house.js';
import { Later } from '../js/later.js';
import { Portrait } from '../js/portrait.js';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';
import { Picture } from '../character/picture.js';
import { Ending } from './ending.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** Each switch with what it does, in the order of the page. @type {[string, string, string][]} */
const SWITCHES = [
  ['facts', 'Facts', 'learns what you are, have and like'],
  ['episodes', 'What happened', 'keeps what you tell of your days, until it fades'],
  ['semantic_recall', 'Recall', 'finds what you said before, by its meaning'],
  ['hints', 'Conclusions', 'puts two and two together: your sister’s daughter is your niece'],
  ['curiosity', 'Curiosity', 'notices what it does not know, looks it up, and asks'],
  ['levels', 'Closeness', 'grows closer to you, or less so'],
  ['moods', 'Moods', 'has moods that show in its words'],
  ['style', 'My way of writing', 'comes towards how you write: length, emojis, formality'],
];

/** What may be kept back, as the API names it. @type {[string, string][]} */
const CATEGORIES = [
  ['health', 'Health'],
  ['intimate', 'Love and intimacy'],
  ['finance', 'Money'],
  ['beliefs', 'Beliefs'],
  ['family', 'Family'],
  ['relationships', 'Friends and others'],
  ['personal_info', 'Who you are'],
  ['location', 'Where you are'],
  ['work', 'Work'],
  ['education', 'Education'],
  ['preferences', 'Likes and dislikes'],
  ['interests', 'Interests'],
  ['plans', 'Plans'],
  ['experiences', 'What happened to you'],
  ['pets', 'Pets'],
  ['possessions', 'What you own'],
];

/** What is changed, one after the other: the answer to the last one is the one that is shown. */
let before = Promise.resolve();

/** What was set and is not answered yet, shown as if it were kept. */
const underWay = signal(/** @type {{ id: string, switches?: Record<string, boolean>, egress?: Record<string, any> }[]} */ ([]));

/** @param {AvatarAnswer} avatar @returns {AvatarAnswer} */
const asSet = (avatar) =>
  underWay.value
    .filter((one) => one.id === avatar.avatar_id)
    .reduce((shown, one) => ({ ...shown, switches: { ...shown.switches, ...one.switches }, egress: { ...shown.egress, ...one.egress } }), avatar);

/** @param {AvatarAnswer} avatar @param {Record<string, any>} difference @param {string} told */
function change(avatar, difference, told) {
  const one = { ...difference, id: avatar.avatar_id };
  underWay.value = [...underWay.value, one];
  const send = async () => {
    /** @type {AvatarAnswer} */
    const now = await post(`/avatars/${avatar.avatar_id}`, difference, 'PATCH');
    avatars.value = (avatars.value ?? []).map((one) => (one.avatar_id === now.avatar_id ? now : one));
    said.value = told;
  };
  before = before
    .then(() => attempt(send))
    .then(() => {
      underWay.value = underWay.value.filter((other) => other !== one);
    });
  return before;
}

/** @param {{ avatar: AvatarAnswer }} props */
function Switches({ avatar }) {
  return html`<div class="switches">
    ${SWITCHES.map(([name, words, does]) => {
      const on = avatar.switches?.[name] ?? true;
      const set = (/** @type {any} */ event) =>
        change(avatar, { switches: { [name]: event.target.checked } }, `${words}: ${event.target.checked ? 'on' : 'off'}.`);
      return html`<label key=${name}>
        <input type="checkbox" role="switch" checked=${on} onChange=${set} />
        <span>${words}</span>
        <span class="quiet">${does}</span>
      </label>`;
    })}
  </div>`;
}

/** @typedef {{ id: string, provider: string, name: string, configured: boolean }} Model */

/** A rule of egress as one word. @param {string | string[] | undefined} rule */
const worded = (rule) => (Array.isArray(rule) ? rule.join(', ') : (rule ?? 'any'));

/** @param {{ avatar: AvatarAnswer, providers: string[] }} props */
function Egress({ avatar, providers }) {
  return html`<table class="kept settings">
    <thead><tr><th scope="col">What it is about</th><th scope="col">Who may read it</th></tr></thead>
    <tbody>
      ${CATEGORIES.map(([name, words]) => {
        const now = worded(avatar.egress?.[name]);
        const others = [...new Set([...providers, ...(['any', 'local'].includes(now) ? [] : [now])])];
        const set = (/** @type {any} */ event) => {
          const to = event.target.value;
          const rule = ['any', 'local'].includes(to) ? to : to.split(', ');
          return change(avatar, { egress: { [name]: rule } }, `${words}: ${event.target.selectedOptions[0]?.text}.`);
        };
        return html`<tr key=${name}>
          <th scope="row"><label for=${`egress-${name}`}>${words}</label></th>
          <td>
            <select id=${`egress-${name}`} value=${now} data-kept=${now !== 'any'} onChange=${set}>
              <option value="any" selected=${now === 'any'}>any model</option>
              <option value="local" selected=${now === 'local'}>only the model on this machine</option>
              ${others.map((one) => html`<option value=${one} selected=${now === one}>this machine and ${one}</option>`)}
            </select>
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

/** @param {{ avatar: AvatarAnswer, models: Model[] }} props */
function Self({ avatar, models }) {
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const [name, bio, model] = ['name', 'bio', 'model'].map((field) => String(form.get(field) ?? '').trim());
    void change(avatar, { name, bio, model: model || null }, 'That was kept.');
  }
  const known = models.filter((one) => one.configured || one.id === avatar.model);
  return html`<form class="stack" onSubmit=${submitted}>
    <label>Name <input name="name" required maxlength="100" autocomplete="off" defaultValue=${avatar.name} /></label>
    <label>Who it is to you <textarea name="bio" rows="2" maxlength="4000" defaultValue=${avatar.bio} /></label>
    <label>
      Model that answers
      <select name="model">
        <option value="" selected=${!avatar.model}>the one that is configured here</option>
        ${known.map((one) => html`<option value=${one.id} selected=${one.id === avatar.model}>${one.id}</option>`)}
      </select>
    </label>
    <div class="row"><button class="primary">Keep it</button></div>
  </form>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
function Settings({ avatar }) {
  const models = useSignal(/** @type {Model[]} */ ([]));
  useEffect(() => {
    get('/models')
      .then((/** @type {any} */ found) => (models.value = found.items))
      .catch(() => {});
  }, [avatar.avatar_id]);
  const providers = [...new Set(models.value.filter((one) => one.configured && one.provider !== 'local').map((one) => one.provider))];
  return html`<section><${Self} key=${avatar.avatar_id} avatar=${avatar} models=${models.value} /></section>
    <${Picture} key=${`picture/${avatar.avatar_id}`} avatar=${avatar} />
    <section>
      <h2>What ${avatar.name} does with what you say</h2>
      <p class="quiet">What is off is neither learnt nor used. What was kept before stays until you forget it.</p>
      <${Switches} avatar=${asSet(avatar)} />
    </section>
    <section>
      <h2>What may leave this machine</h2>
      <p class="quiet">
        A talk about something that a model may not read is answered by the model on this machine; memories and earlier words of that kind never
        reach the other. The “Why” of each answer tells what was kept here.
      </p>
      <${Egress} avatar=${asSet(avatar)} providers=${providers} />
    </section>
    <${Ending} avatar=${avatar} />`;
}

const editor = async () => (await import('../character/editor.js')).Editor;
const versions = async () => (await import('../character/versions.js')).Versions;
const feelings = async () => (await import('../character/feeling.js')).Feelings;
const uses = async () => (await import('../character/uses.js')).Uses;
const file = async () => (await import('../character/take_along.js')).TakeAlong;

/** The parts of the page: what stands in the address, name, what fetches it. @type {[string | undefined, string, (() => Promise<any>) | null][]} */
const PARTS = [
  [undefined, 'Settings', null],
  ['personality', 'Personality', editor],
  ['tools', 'Tools', uses],
  ['versions', 'Versions', versions],
  ['feelings', 'Feelings', feelings],
  ['file', 'Take along', file],
];

/** @param {{ avatar: AvatarAnswer }} props */
function Page({ avatar }) {
  const id = avatar.avatar_id;
  const [part, name, load] = PARTS.find(([one]) => one === route.value.part) ?? PARTS[0] ?? [];
  useEffect(() => {
    document.title = `${avatar.name} · Anima`;
  }, [avatar.name]);
  return html`<div class="page avatar memory" data-part=${part ?? 'settings'}>
    <header class="title">
      <${MenuButton} />
      <${Portrait} avatar=${avatar} size=${36} />
      <h1>${avatar.name}</h1>
      <a href=${href({ place: 'memory', avatar: id })}>What it remembers</a>
      <a class="button" href=${href({ place: 'chat', avatar: id })}>Talk</a>
    </header>
    <nav class="tabs" aria-label=${`About ${avatar.name}`}>
      ${PARTS.map(
        ([one, words]) => html`<a href=${href({ place: 'avatar', avatar: id, part: one })} aria-current=${words === name ? 'page' : undefined}>${words}</a>`,
      )}
    </nav>
    ${load ? html`<${Later} key=${`${id}/${name}`} load=${load} style="vendor/uplot.css" avatar=${avatar} />` : html`<${Settings} avatar=${avatar} />`}
  </div>`;
}

export function AvatarPage() {
  const avatar = avatarOf(route.value.avatar);
  if (avatar) return html`<${Page} key=${avatar.avatar_id} avatar=${avatar} />`;
  return html`<div class="page"><${Alert} failure=${new Failure('avatar-not-found', 'There is nobody of that name here.')} /></div>`;
}
