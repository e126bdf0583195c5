// What the scripts of the page share. Every component's script is a module with `mount({element, props, trigger, server, watch})`,
// the five things that Gradio gives to a gr.HTML's js_on_load (see demos/static_files.py).

/** A text with {name} replaced by the values of those names. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

export const missing = (value) => value === null || value === undefined;

/** Finds an element below `root` by its data-part. */
export const partsOf = (root) => (part) => root.querySelector(`[data-part="${part}"]`);

/** A new element with attributes (false and null leave one out) and children; strings become text, never HTML. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && !missing(value)) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}

/** Sets an element's text; the page is laid out again only where it has changed. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Calls `update` now and whenever the server sends another value. */
export function follow({ watch }, update) {
  watch('value', update);
  update();
}

/** What lies at an address of demos/page_data.py; a page without a server holds it itself (demos/edition.py). */
export async function fetched(address) {
  const held = window.playgroundData?.[address];
  if (held) return held;
  const answer = await fetch(new URL(address, document.baseURI));
  return answer.json();
}

/** A colour of tokens.css as it is now, in the light or in the dark. */
export const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--pg-${name}`).trim();

/** Loads a file of the scripts' folder, which in a page without a server is the page's own: there the modules lie in the page. */
export function load(name) {
  const folder = import.meta.url.startsWith('data:') ? document.baseURI : import.meta.url;
  return new Promise((resolve, reject) => {
    const script = make('script', { src: new URL(name, folder) });
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

/** Lets the browser keep some content as a file. */
export function save(name, content, type = 'text/plain') {
  const link = make('a', { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser reads it later
}

/** Seconds for people: "4.2 s", "2 min 5 s". */
export function clock(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
