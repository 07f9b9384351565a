// Signing in.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Alert } from './alert.js';
import { Failure, asFailure, signIn } from './api.js';
import { Portrait } from './portrait.js';

/** @import { AvatarAnswer } from './types.js' */

/** @type {AvatarAnswer} */
const LUNA = {
  avatar_id: '',
  name: 'Luna',
  bio: '',
  personality_name: 'luna',
  personality: { big_five: { openness: 0.8, conscientiousness: 0.6, extraversion: 0.5, agreeableness: 0.8, neuroticism: 0.2 } },
  model: null,
  switches: {},
  egress: {},
};

export function SignIn() {
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    busy.value = true;
    failure.value = null;
    try {
      await signIn(new FormData(form));
    } catch (error) {
      failure.value = asFailure(error);
      /** @type {HTMLInputElement} */ (form.elements.namedItem('password')).select();
    }
    busy.value = false;
  }

  return html`<main class="sign-in">
    <${Portrait} avatar=${LUNA} size=${96} />
    <h1>Anima</h1>
    <p class="lead">Avatars that remember.</p>
    <form class="stack" onSubmit=${submit}>
      <label>User name <input name="username" autocomplete="username" required autofocus /></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
      ${failure.value && html`<${Alert} failure=${failure.value} />`}
      <button class="primary" disabled=${busy.value}>${busy.value ? 'Signing in…' : 'Sign in'}</button>
    </form>
  </main>`;
}
