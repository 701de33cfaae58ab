/** A URL without credentials or fragment: an input is stored as it is. */
const urlPattern = /^https?:\/\/[a-zA-Z0-9.-]+(:\d{1,5})?(\/[^\s#@]*)?$/;

/** True for a webhook: `https://router.mine/switch`. */
export function isUrl(text: string): boolean {
  return urlPattern.test(text) && text.length <= 1_000;
}
