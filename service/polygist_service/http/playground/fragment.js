// The options in the fragment of the page's address, which is never sent to a server. The article is not among them,
// since browsers keep addresses; it is in links that the reader asks for, where it fits.

const LONGEST = 4000; // of the options, so that the address stays one that can be copied
const LONGEST_WITH_TEXT = 16000; // of a link with an article in it

/** What the address says: an object of strings, "text" among them where it is such a link. */
export function readFragment() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** Let the address say `options`, without a new entry in the browser's history. */
export function writeFragment(options) {
  history.replaceState(null, "", `${location.pathname}${location.search}${toFragment(options)}`);
}

/** A link to the page with `options`, and with `text` where it is short enough. */
export function makeLink(options, text) {
  const base = location.origin + location.pathname;
  const whole = base + toFragment({ ...options, text }, LONGEST_WITH_TEXT);
  const includesText = text !== "" && whole.length > base.length && whole.length <= LONGEST_WITH_TEXT;
  return { address: includesText ? whole : base + toFragment(options), includesText };
}

function toFragment(options, longest = LONGEST) {
  const told = Object.entries(options).filter(([, value]) => value !== "");
  const fragment = new URLSearchParams(told).toString();
  return fragment === "" || fragment.length > longest ? "" : `#${fragment}`;
}
