// Running the place, for admins: models, tools, prompts, experiments, budgets. One part at a time, each at its own address.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Later } from '../js/later.js';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';

/** @type {Record<string, [string, () => Promise<any>]>} */
const PARTS = {
  models: ['Models', async () => (await import('./models.js')).Models],
  tools: ['Tools', async () => (await import('./tools.js')).Tools],
  prompts: ['Prompts', async () => (await import('./prompts.js')).Prompts],
  experiments: ['Experiments', async () => (await import('./experiments.js')).Experiments],
  budgets: ['Budgets', async () => (await import('./budgets.js')).Budgets],
};

export function Admin() {
  const part = route.value.part && route.value.part in PARTS ? route.value.part : 'models';
  const [name, load] = PARTS[part];
  useEffect(() => {
    document.title = `${name} · Anima`;
  }, [name]);
  return html`<div class="page admin">
    <header class="title"><${MenuButton} /><h1>${name}</h1></header>
    <nav class="tabs" aria-label="Admin">
      ${Object.entries(PARTS).map(
        ([key, [label]]) => html`<a key=${key} href=${href({ place: 'admin', part: key })} aria-current=${key === part ? 'page' : undefined}>${label}</a>`,
      )}
    </nav>
    <${Later} key=${part} load=${load} />
  </div>`;
}
