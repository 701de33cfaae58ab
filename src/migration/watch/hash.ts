/** 64 bits of a text as 16 hexadecimal digits: two times FNV-1a. Workflows have no hash functions of Node.js. */
export function hash(text: string): string {
  return [0x811c9dc5, 0x01000193].map((start) => fnv(text, start)).join('');
}

function fnv(text: string, start: number): string {
  let state = start;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return (state >>> 0).toString(16).padStart(8, '0');
}
