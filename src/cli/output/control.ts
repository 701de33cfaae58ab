/** C0 and C1 control characters but tab and newline, and those that turn the direction of text around. */
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text with its control characters as visible escapes, such as `\u001b`, so that a table name or a
 * message of MySQL cannot control the terminal. The escapes are those of JSON: JSON stays JSON.
 */
export function visible(text: string): string {
  return text.replace(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
