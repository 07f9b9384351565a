// An avatar's portrait, drawn from who it is: the same personality gives the same picture.

import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';

/** @import { AvatarAnswer } from './types.js' */

/** FNV-1a. @param {string} text */
function hash(text) {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}

/** Mulberry32: numbers in 0..1 that follow from a seed. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** How a feeling is where only its name is known: valence -1..1 and arousal 0..1. @type {Record<string, [number, number]>} */
const MOODS = { cheerful: [0.8, 0.6], happy: [0.8, 0.5], curious: [0.35, 0.6], tender: [0.2, 0.2], sad: [-0.7, 0.2], hurt: [-0.8, 0.5] };

/** @param {Record<string, any> | null | undefined} affect @returns {[number, number]} valence and arousal, in steps that can be seen */
export function felt(affect) {
  const [valence, arousal] = MOODS[affect?.mood] ?? [0, 0.3];
  return /** @type {[number, number]} */ ([affect?.valence ?? valence, affect?.arousal ?? arousal].map((one) => Math.round(one * 10) / 10));
}

/** The colour of a feeling; its word always stands beside it. @param {{ affect: Record<string, any> | null | undefined }} props */
export function Dot({ affect }) {
  const [valence, arousal] = felt(affect);
  const hue = valence < 0 ? (265 + arousal * 120) % 360 : 65;
  const colour = `oklch(0.62 ${(0.03 + Math.abs(valence) * 0.12).toFixed(3)} ${hue.toFixed(0)})`;
  return html`<svg class="dot" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill=${colour} /></svg>`;
}

/** A closed curve around the middle. @param {(angle: number) => number} radius */
function curve(radius) {
  const steps = 60;
  let path = '';
  for (let step = 0; step < steps; step += 1) {
    const angle = (step / steps) * 2 * Math.PI;
    const far = radius(angle);
    path += `${step ? 'L' : 'M'}${(50 + far * Math.cos(angle)).toFixed(1)} ${(50 + far * Math.sin(angle)).toFixed(1)}`;
  }
  return `${path}Z`;
}

/** Warmth of hue follows valence, openness of the form arousal.
 * @param {Pick<AvatarAnswer, 'name' | 'personality_name' | 'personality'>} avatar @param {number} valence @param {number} arousal @param {number} rings */
function rings(avatar, valence, arousal, rings) {
  const traits = { openness: 0.5, conscientiousness: 0.5, extraversion: 0.5, agreeableness: 0.5, neuroticism: 0.5 };
  Object.assign(traits, avatar.personality?.big_five);
  const seed = hash(`${avatar.name.trim()}/${avatar.personality_name.trim().toLowerCase()}`); // as it is once it is kept
  const next = numbers(seed);
  const hue = (next() * 360 + 360 + valence * 28) % 360;
  const petals = 3 + Math.round(traits.extraversion * 4);
  const depth = 0.06 + traits.openness * 0.13 + (arousal - 0.3) * 0.1;
  const rough = 0.015 + traits.neuroticism * 0.07;
  const twist = (1.1 - traits.conscientiousness) * 0.9;
  const [start, second] = [next() * 6.28, next() * 6.28];
  return Array.from({ length: rings }, (_, ring) => {
    const inner = ring / rings;
    const base = 46 * (1 - inner * 0.86) * (1 - depth * 0.5);
    const turn = start + ring * twist * (4 / rings);
    const path = curve(
      (angle) =>
        base * (1 + depth * Math.cos(petals * angle + turn) + rough * Math.cos((petals * 2 + 1) * angle + second)),
    );
    const chroma = 0.03 + traits.agreeableness * 0.075 * (0.45 + inner * 0.8);
    const colour = `oklch(${(0.82 - inner * 0.44).toFixed(3)} ${chroma.toFixed(3)} ${(hue + inner * 42).toFixed(0)})`;
    return { path, colour };
  });
}

/** @param {{ avatar: Pick<AvatarAnswer, 'name' | 'personality_name' | 'personality'>, size: number, affect?: Record<string, any> | null }} props */
export function Portrait({ avatar, size, affect }) {
  const count = size < 48 ? 4 : 7;
  const [valence, arousal] = affect ? felt(affect) : [0, 0.3];
  const found = useMemo(() => rings(avatar, valence, arousal, count), [avatar, valence, arousal, count]);
  return html`<svg class="portrait" viewBox="0 0 100 100" width=${size} height=${size} aria-hidden="true" data-arousal=${Math.round(arousal * 3)}>
    ${found.map(({ path, colour }) => html`<path d=${path} fill=${colour} fill-opacity="0.72" />`)}
  </svg>`;
}
