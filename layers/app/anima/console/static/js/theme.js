// Light, dark, or as the person's system is.

import { signal } from '@preact/signals';

const KEPT = 'anima.theme';
const THEMES = ['system', 'light', 'dark'];

export const theme = signal(THEMES.includes(localStorage.getItem(KEPT) ?? '') ? localStorage.getItem(KEPT) : 'system');

export function applyTheme() {
  document.documentElement.dataset.theme = theme.value ?? 'system';
}

export function nextTheme() {
  theme.value = THEMES[(THEMES.indexOf(theme.value ?? 'system') + 1) % THEMES.length];
  localStorage.setItem(KEPT, theme.value);
}
