/** How much of a long text is shown before somebody asks for all of it. */

const CHARACTERS = 280;
const LINES = 4;

/** The beginning of a long text, cut between two words; null for a text that is short enough. */
export function beginningOf(text) {
  const lines = text.split("\n");
  // To hide a few words behind a button helps nobody.
  if (lines.length <= LINES + 1 && text.length <= 1.25 * CHARACTERS) return null;
  const beginning = cut(lines.slice(0, LINES).join("\n").trimEnd());
  return beginning.length < text.length ? beginning : null;
}

/** A word that goes beyond the limit stays whole: it may be a link. */
function cut(text) {
  if (text.length <= CHARACTERS) return text;
  const last = text.lastIndexOf(" ", CHARACTERS);
  const end = last > 0 ? last : text.search(/\s/);
  return (end > 0 ? text.slice(0, end) : text).trimEnd();
}
