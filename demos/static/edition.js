// The page of the static edition (demos/edition.py): three tabs, and stand-ins for what Gradio gives to the scripts of the live page.
import * as lesson from './learn.js';
import { load } from './lib.js';
import * as live from './live.js';

const dark = window.matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.body.classList.toggle('dark', dark.matches);
dark.addEventListener('change', follow);
follow();

/** props of each component; no server answers and no value comes. */
const given = JSON.parse(document.getElementById('given').textContent);
const component = (id) => ({ element: document.getElementById(id), props: given[id], trigger() {}, server: {}, watch() {} });

/** What a tab needs when it is first opened. */
const first = {
  learn: () => lesson.mount(component('learn')),
  unlearn: () => load('recordings.js').then(
    async () => {
      window.playgroundData = await window.playgroundData;
      live.mount(component('live'));
    },
    () => { document.getElementById('live').textContent = given.edition.noRecordings; },
  ),
};
const tabs = [...document.querySelectorAll('[role=tab]')];
const nameOf = (tab) => tab.id.replace(/^tab-(\w+)-button$/, '$1');

function open(chosen) {
  for (const tab of tabs) {
    const shown = tab === chosen;
    tab.setAttribute('aria-selected', String(shown));
    tab.tabIndex = shown ? 0 : -1;
    document.getElementById(tab.getAttribute('aria-controls')).hidden = !shown;
  }
  const name = nameOf(chosen);
  const begin = first[name];
  delete first[name];
  begin?.();
}

for (const [at, tab] of tabs.entries()) {
  tab.addEventListener('click', () => open(tab));
  tab.addEventListener('keydown', ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}
const asked = new URLSearchParams(location.search).get('tab');
open(tabs.find((tab) => nameOf(tab) === asked) || tabs[0]);
