// The stepper of a run and the bar of its present phase.
import { fill, make, put } from './lib.js';

const SIGNS = { todo: '', now: '▶', done: '✓', stopped: '■', skipped: '–' };

export function drawPhases(list, bar, phases, T) {
  if (list.children.length !== phases.length) {
    const span = (name, text = '') => make('span', { class: name }, text);
    const dot = () => make('span', { class: 'dot', 'aria-hidden': 'true' });
    const item = ({ id }) => make('li', {}, dot(), span('name', T.phases[id]), span('units'), span('sr'));
    list.replaceChildren(...phases.map(item));
  }
  phases.forEach((phase, at) => {
    const item = list.children[at];
    const $ = (name) => item.querySelector(name);
    if (item.dataset.state !== phase.state) {
      item.dataset.state = phase.state;
      put($('.dot'), SIGNS[phase.state]);
      put($('.sr'), `, ${T.states[phase.state]}`);
      if (phase.state === 'now') item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    }
    put($('.units'), phase.state === 'now' && phase.total ? fill(T.unitOf, phase) : '');
  });
  const now = phases.find((p) => p.state === 'now' || p.state === 'stopped');
  const all = phases.length && phases.every((p) => p.state === 'done' || p.state === 'skipped');
  if (now?.total) { bar.max = now.total; bar.value = now.done; }
  else if (all) { bar.max = 1; bar.value = 1; }
  else if (now?.state === 'now') bar.removeAttribute('value');
  else { bar.max = 1; bar.value = 0; }
  bar.setAttribute('aria-label', now ? T.phases[now.id] : T.stepper);
}
