/** Finds the links of a text. Only http, https and mailto: the browser would run other schemes, such as javascript. */

const LINK = /\b(?:https?:\/\/|mailto:)[^\s<>"“”‘’]+/gi;

/** @returns {{text: string, href?: string}[]} the whole text in pieces */
export function splitLinks(text) {
  const pieces = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const link = withoutPunctuation(found);
    if (!URL.canParse(link) || /^(?:https?:\/\/|mailto:)$/i.test(link)) continue;
    if (index > end) pieces.push({ text: text.slice(end, index) });
    pieces.push({ text: link, href: link });
    end = index + link.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** Without what ends the sentence around a link: punctuation, or a bracket that opens before the link. */
function withoutPunctuation(link) {
  const unopened = { ")": surplus(link, ")", "("), "]": surplus(link, "]", "[") };
  let end = link.length;
  for (; end > 0; end -= 1) {
    const last = link[end - 1];
    if (unopened[last] > 0) unopened[last] -= 1;
    else if (!/[.,;:!?'*_]/.test(last)) break;
  }
  return link.slice(0, end);
}

function surplus(text, closing, opening) {
  return text.split(closing).length - text.split(opening).length;
}
