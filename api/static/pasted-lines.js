/** Pasted text as titles: one for each line, without blank lines, list bullets and numbers. */

const BULLET = /^(?:[-*+•◦▪‣·–—]\s+(?:\[[ xX]?\]\s+)?|\[[ xX]?\]\s+|\d{1,3}[.)]\s+)/;

export function titlesOf(text) {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => line.trim().replace(BULLET, "").trim())
    .filter((line) => line !== "" && !/^[-*+•◦▪‣·–—]$/.test(line));
}
