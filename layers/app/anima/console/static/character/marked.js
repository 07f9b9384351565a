// Two texts as one, with what was added and what went marked word by word.

import { html } from 'htm/preact';

const MOST = 1_500_000; // cells of the table; beyond that the texts are taken as a whole

/** @typedef {{ kind: 'same' | 'added' | 'removed', text: string }} Piece */

/** How much two lists share from here on, by the longest common subsequence. @param {string[]} before @param {string[]} after */
function table(before, after) {
  const wide = after.length + 1;
  const found = new Uint16Array((before.length + 1) * wide);
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const at = row * wide + column;
      found[at] =
        before[row] === after[column] ? (found[at + wide + 1] ?? 0) + 1 : Math.max(found[at + wide] ?? 0, found[at + 1] ?? 0);
    }
  }
  return found;
}

/** @param {string} before @param {string} after @returns {Piece[]} */
export function pieces(before, after) {
  if (before === after) return [{ kind: 'same', text: after }];
  const [old, now] = [before, after].map((text) => text.match(/\s+|[^\s]+/g) ?? []);
  if (!old || !now || old.length * now.length > MOST) return [{ kind: 'added', text: after }];
  const shared = table(old, now);
  const wide = now.length + 1;
  /** @type {Piece[]} */
  const found = [];
  const add = (/** @type {Piece['kind']} */ kind, /** @type {string} */ text) => {
    const last = found.at(-1);
    if (last?.kind === kind) last.text += text;
    else found.push({ kind, text });
  };
  let [row, column] = [0, 0];
  while (row < old.length || column < now.length) {
    const [one, other] = [old[row], now[column]];
    if (one !== undefined && one === other) {
      add('same', one);
      row += 1;
      column += 1;
    } else if (other !== undefined && (one === undefined || (shared[row * wide + column + 1] ?? 0) > (shared[(row + 1) * wide + column] ?? 0))) {
      add('added', other);
      column += 1;
    } else {
      add('removed', one ?? '');
      row += 1;
    }
  }
  return found;
}

const FEW = 3; // words that stayed between two changes, and are read more easily as part of them

/** Changes with little between them as one: first what went, then what came. @param {Piece[]} found @returns {Piece[]} */
function together(found) {
  /** @type {Piece[]} */
  const joined = [];
  let [gone, come] = ['', ''];
  const close = () => {
    if (gone) joined.push({ kind: 'removed', text: gone });
    if (come) joined.push({ kind: 'added', text: come });
    [gone, come] = ['', ''];
  };
  found.forEach(({ kind, text }, index) => {
    if (kind === 'removed') gone += text;
    else if (kind === 'added') come += text;
    else if ((gone || come) && index < found.length - 1 && !text.includes('\n') && text.trim().split(/\s+/).length < FEW) {
      gone += text;
      come += text;
    } else {
      close();
      joined.push({ kind, text });
    }
  });
  close();
  return joined;
}

/** @param {{ before: string, after: string }} props */
export function Marked({ before, after }) {
  return together(pieces(before, after)).map(({ kind, text }) => {
    if (kind === 'same' || !text.trim()) return kind === 'removed' ? null : text;
    return kind === 'added' ? html`<ins>${text}</ins>` : html`<del>${text}</del>${/\s$/.test(text) ? '' : ' '}`;
  });
}
