/** Random names. Not crypto.randomUUID: it needs a secure context, and the page may be served over plain HTTP. */

export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
