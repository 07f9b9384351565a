// Markdown as safe HTML, block by block: blocks that are complete keep their place in the page while text streams in.

import DOMPurify from 'dompurify';
import { html } from 'htm/preact';
import { Marked } from 'marked';
import { memo } from './memo.js';

/** @param {string} text */
const escaped = (text) =>
  text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);

const marked = new Marked({ gfm: true, breaks: true });

marked.use({
  extensions: [
    {
      name: 'cite',
      level: 'inline',
      start: (text) => text.match(/\[\d/)?.index,
      tokenizer(text) {
        const found = /^\[(\d{1,3})\](?![(:])/.exec(text);
        return found ? { type: 'cite', raw: found[0], marker: found[1] } : undefined;
      },
      renderer: (token) => `<button type="button" class="cite" data-marker="${token.marker}">${token.marker}</button>`,
    },
  ],
  renderer: {
    // what a model writes as HTML is shown, not obeyed; an image would tell its server that it was read
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
  },
});

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer');
});

const RULES = {
  ALLOWED_TAGS: (
    'p br strong em del code pre blockquote ul ol li a h1 h2 h3 h4 h5 h6 hr table thead tbody tr th td button input'
  ).split(' '),
  ALLOWED_ATTR: ['href', 'class', 'data-marker', 'type', 'start', 'align', 'checked', 'disabled'],
};

/** @param {any} token */
const rendered = (token) => DOMPurify.sanitize(marked.parser([token]), RULES);

const Block = memo(
  /** @param {{ raw: string, token: any }} props */
  ({ token }) => html`<div class="block" dangerouslySetInnerHTML=${{ __html: rendered(token) }} />`,
  (before, after) => before.raw === after.raw,
);

/** @param {{ text: string }} props */
export function Markdown({ text }) {
  const tokens = marked.lexer(text).filter((token) => token.type !== 'space' && token.type !== 'def');
  return html`<div class="prose">
    ${tokens.map((token, index) => html`<${Block} key=${index} raw=${token.raw} token=${token} />`)}
  </div>`;
}
