// The box that passes a run on: its link, a QR code, a script, a notebook.
// value: {query}, the run of the form as the page's address holds it, '' where no link leads to it. server: see demos/links/share.py.
import { follow, partsOf, put, save } from './lib.js';

export const mount = (component) => new Share(component);

/** The address that opens a run: that of the page without what it asked for, and the run's own words; with `lesson` as a class sees it. */
export const addressOf = (page, query, lesson = false) =>
  new URL((query || '?') + (lesson ? '&lesson=1' : ''), page.split(/[?#]/)[0]).href;

class Share {
  constructor(component) {
    const { element, props, server } = component;
    Object.assign(this, { props, server, T: props.texts });
    this.part = partsOf(element);
    this.part('link').addEventListener('focus', (event) => event.target.select());
    this.part('copy').addEventListener('click', () => this.copy());
    this.part('qr').addEventListener('click', () => this.code());
    this.part('lesson').addEventListener('change', () => this.address());
    for (const kind of ['script', 'notebook']) this.part(kind).addEventListener('click', () => this.save(kind));
    follow(component, () => this.update());
  }

  get query() {
    return this.props.value?.query || '';
  }

  update() {
    if (this.shown === this.query && this.shown !== undefined) return;
    this.shown = this.query;
    this.part('there').hidden = !this.query;
    put(this.part('said'), this.query ? this.T.why : this.T.none);
    this.address();
  }

  address() {
    this.part('link').value = this.query ? addressOf(location.href, this.query, this.part('lesson').checked) : '';
    this.hide(); // a code of another link
  }

  async copy() {
    this.part('link').select();
    // A page inside another one may have no clipboard of its own.
    try { await navigator.clipboard.writeText(this.part('link').value); } catch { document.execCommand('copy'); }
    put(this.part('said'), this.T.copied);
  }

  hide() {
    this.part('code').hidden = true;
    this.part('code').replaceChildren();
    this.part('qr').setAttribute('aria-expanded', 'false');
  }

  async code() {
    if (!this.part('code').hidden) { this.hide(); return; }
    const query = this.query;
    const answer = await this.server.qr(this.part('link').value);
    if (query !== this.query) return;
    if (answer.error) { put(this.part('said'), answer.error); return; }
    this.part('code').innerHTML = answer.svg; // made by the server's own library from the link above
    this.part('code').hidden = false;
    this.part('qr').setAttribute('aria-expanded', 'true');
  }

  async save(kind) {
    const answer = await this.server.files(this.query);
    if (answer.error) { put(this.part('said'), answer.error); return; }
    const [name, content] = answer[kind];
    save(name, content);
    put(this.part('said'), name);
  }
}
