// The page: signs in, keeps the three zones (rail, work, drawer), and shows the place that the address names.

import { computed, effect, signal } from '@preact/signals';
import { html } from 'htm/preact';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { user, whoAmI } from './api.js';
import { Alert } from './alert.js';
import { Ask } from './ask.js';
import { Chat } from './chat.js';
import { Drawer } from './drawer.js';
import { Home } from './home.js';
import { attempt, avatars, failure, loadHouse, said } from './house.js';
import { Later } from './later.js';
import { Rail, railOpen } from './rail.js';
import { closeDrawer, go, route } from './route.js';
import { SignIn } from './sign_in.js';
import { applyTheme } from './theme.js';
import { addDropped } from './uploads.js';

const started = signal(false);
const memory = async () => (await import('../memory/memory.js')).Memory;
const knowledge = async () => (await import('../knowledge/knowledge.js')).Knowledge;
const you = async () => (await import('../later/you.js')).You;
const person = async () => (await import('../later/avatar.js')).AvatarPage;
const gallery = async () => (await import('../character/gallery.js')).Gallery;
const admin = async () => (await import('../admin/admin.js')).Admin;
const models = async () => (await import('../models/models.js')).Models;
const learning = async () => (await import('../learning/learning.js')).Learning;
const safety = async () => (await import('../character/safety_admin.js')).Safety;

/** Whether the drawer is out; the page of a document shows its passages itself. */
const drawn = computed(() => {
  const { why, passage, document, fact, episode, feeling } = route.value;
  return why !== undefined || (passage !== undefined && document === undefined) || Boolean(fact || episode || feeling);
});

function Place() {
  const { place } = route.value;
  if (place === 'chat') return html`<${Chat} />`;
  if (place === 'memory') return html`<${Later} load=${memory} style="css/lists.css css/memory.css" />`;
  if (place === 'avatar') return html`<${Later} load=${person} style="css/lists.css css/memory.css css/you.css css/character.css" />`;
  if (place === 'avatars') return html`<${Later} load=${gallery} style="css/lists.css css/you.css css/character.css" />`;
  if (place === 'safety') return html`<${Later} load=${safety} style="css/lists.css css/memory.css css/character.css" />`;
  if (place === 'admin') return html`<${Later} load=${admin} style="css/lists.css css/memory.css css/admin.css" />`;
  if (place === 'models') return html`<${Later} load=${models} style="css/lists.css css/memory.css css/models.css" />`;
  if (place === 'learning' || place === 'visualisation') return html`<${Later} load=${learning} style="css/lists.css css/memory.css css/learning.css vendor/uplot.css" />`;
  if (place === 'you') return html`<${Later} load=${you} style="css/lists.css css/memory.css css/you.css css/care.css css/character.css" />`;
  return place === 'documents' ? html`<${Later} load=${knowledge} style="css/lists.css css/knowledge.css" />` : html`<${Home} />`;
}

function House() {
  useEffect(() => {
    void attempt(loadHouse);
  }, []);
  const drawer = drawn.value;
  return html`<div class="house" data-drawer=${drawer}>
    <a class="skip" href="#work" onClick=${skip}>Skip to the work</a>
    <${Rail} />
    <main class="work" id="work" tabindex="-1">
      ${failure.value && html`<${Alert} failure=${failure.value} onClose=${() => (failure.value = null)} />`}
      ${avatars.value === null ? html`<p class="waiting" role="status">Opening the house…</p>` : html`<${Place} />`}
    </main>
    ${drawer && html`<${Drawer} />`}
    <${Ask} />
    <div class="unseen" role="status" aria-live="polite">${said.value}</div>
  </div>`;
}

/** @param {Event} event the address stays the place's */
function skip(event) {
  event.preventDefault();
  document.querySelector(/** @type {'textarea'} */ ('textarea.message'))?.focus() ?? document.getElementById('work')?.focus();
}

function App() {
  if (!started.value) return html`<p class="waiting" role="status">Anima</p>`;
  return user.value ? html`<${House} />` : html`<${SignIn} />`;
}

addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented) {
    if (railOpen.value) railOpen.value = false;
    else if (drawn.value) closeDrawer();
  }
  if (event.key === '/' && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '')) {
    event.preventDefault();
    document.querySelector(/** @type {'textarea'} */ ('textarea.message'))?.focus();
  }
});

/** A file that misses its place does not replace the page: it is taken all the same, and shown where it is read.
 * @param {DragEvent} event */
function stray(event) {
  const taken = event.defaultPrevented;
  event.preventDefault();
  if (taken || !event.dataTransfer?.files.length || !user.value) return;
  void addDropped(event);
  if (route.value.place !== 'chat') go({ place: 'documents' });
}

addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', stray);

effect(applyTheme);
void attempt(whoAmI).finally(() => {
  started.value = true;
});
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
