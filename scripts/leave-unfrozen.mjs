/**
 * A loader of the bundler. The worker freezes what the workflows share, down to the last property; it does not look
 * into what is frozen already.
 * @param {string} source
 */
export default function leaveUnfrozen(source) {
  return `${source}\nObject.freeze(__webpack_exports__);\n`;
}
