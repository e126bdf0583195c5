import { readFileSync } from 'node:fs';

// A document in Node for the scripts that draw; none where `npm ci` was not run.
const { parseHTML } = await import('linkedom').catch(() => ({}));

export const without = parseHTML ? false : 'npm ci was not run';

/** An empty page, as the scripts find it: `document` and `window` are its. */
export function page(html = '') {
  const { window } = parseHTML(`<!doctype html><html><head></head><body>${html}</body></html>`);
  Object.assign(globalThis, { window, document: window.document });
  Object.defineProperty(document, 'baseURI', { value: 'http://localhost/' }); // linkedom's document has no address
  return window.document.body;
}

/** What Gradio gives to a component's script; `send` is a new value from the server, `sent` the events that went there. */
export function component(element, value, texts = {}) {
  const props = { value, texts };
  const sent = [];
  let changed = () => {};
  return {
    element, props, server: {}, sent,
    trigger: (name) => sent.push(name),
    watch: (_, update) => { changed = update; },
    send(next) { props.value = next; changed(); },
  };
}

/** The named parts of the race in the template of the tab Compare methods, each an element of the kind that its script needs. */
export function raceParts() {
  const html = readFileSync(new URL('../../demos/templates/compare.html', import.meta.url), 'utf8');
  const kind = (part) => (/start|stop$/.test(part) ? 'button' : /forget|seeds$/.test(part) ? 'select' : 'div');
  return [...html.matchAll(/data-part="(race[\w-]*)"/g)].map(([, part]) => `<${kind(part)} data-part="${part}"></${kind(part)}>`).join('');
}
