// The race of the tab Compare methods: news are put together, curves over shares, and the whole of it in a document of Node's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawnOf, linesOf, progress, Race, together } from '../../demos/static/race.js';
import { component, page, raceParts, without } from './page.js';

const curve = (i = [], forget = [], remain = []) => ({ i, forget, remain });
const run = (method, seed, state, more = {}) => ({ method, seed, state, step: 0, steps: 10, picturesAt: null, loss: curve(), accuracy: curve(), ...more });
const table = (names) => ({
  title: 'T', by: 'a', said: names.map((name) => `${name}.`), notes: [], columns: [{ key: 'a', title: 'A', unit: '', digits: 1, sentence: 'x' }], pinned: [],
  rows: names.map((name) => ({ name, cells: { a: { mean: 1, score: 1 } }, done: 1, of: 1, notes: [], runs: [{ entry: `${name}-0`, seed: 0, status: 'done' }] })),
});
const race = (more = {}) => ({
  title: '2 runs', model: 'm', generates: false, methods: { a: 'Method A', b: 'Method B' }, state: 'running', stopping: false, line: 'Run 1 of 2.', elapsed: 3, left: 60, machine: 'CPU', follow: 'f',
  runs: { 'a-0': run('a', 0, 'running', { step: 5, accuracy: curve([0, 5], [100, 40], [99, 98]) }), 'b-0': run('b', 0, 'todo') }, rows: [], table: table([]), ...more,
});

test('news are put at the end of the curves, rows at the end of the rows, and a table stays until another comes', () => {
  const old = race();
  const news = { state: 'running', line: 'On.', runs: { 'a-0': { ...run('a', 0, 'running', { step: 6 }), accuracy: { from: 2, ...curve([6], [30], [97]) }, loss: { from: 0, ...curve([1], [2], [3]) } } }, rows: [{ n: 1 }] };
  const value = together(old, news);
  assert.deepEqual(value.runs['a-0'].accuracy, curve([0, 5, 6], [100, 40, 30], [99, 98, 97]));
  assert.deepEqual(value.runs['a-0'].loss, curve([1], [2], [3]));
  assert.equal(value.runs['b-0'], old.runs['b-0']);
  assert.deepEqual([value.rows, value.table, value.line], [[{ n: 1 }], old.table, 'On.']);
  assert.deepEqual(drawnOf(value).runs['a-0'], { state: 'running', picturesAt: null, loss: [1, 1], accuracy: [3, 6] });
  assert.equal(drawnOf(value).rows, 1);
});

test('progress counts steps, those of a stopped run too, and runs that ended whole', () => {
  assert.equal(progress(race()), 0.25);
  assert.equal(progress({ runs: { x: run('a', 0, 'failed'), y: run('b', 0, 'running', { steps: 0, step: 3 }) } }), 0.5);
  assert.equal(progress({ runs: { x: run('a', 0, 'done'), y: run('b', 0, 'stopped', { step: 5 }) } }), 0.75);
});

test('the runs of a method look alike and only the first is named; each goes over its own run', () => {
  const value = race({ runs: { 'b-0': run('b', 0, 'done', { steps: 50, accuracy: curve([0, 50], [100, null], [99, 90]) }), 'a-0': run('a', 0, 'done', { accuracy: curve([5], [1], [2]) }), 'b-1': run('b', 1, 'running', { accuracy: curve([10], [3], [4]) }) } });
  const lines = linesOf(value, 'accuracy', 'forget');
  assert.deepEqual(lines.map(({ k, name, points }) => [k, name, points]), [[1, 'Method B', [[0, 100]]], [0, 'Method A', [[50, 1]]], [1, '', [[100, 3]]]]);
  assert.equal(linesOf(race(), 'accuracy', 'forget').length, 1); // what has not begun has no line
});

const T = { numbers: 'Numbers', saveFigure: '{kind}', figureAlt: '{title}', method: 'Method', runs: 'Runs', runsOf: '', gap: '', openRun: 'Open', seed: 'seed {seed}', elapsed: 'Elapsed {time}.', left: 'Left {time}.', raceStop: 'Stop', raceStopping: 'Stopping', curveX: 'Share', curves: { forgetAccuracy: 'FA', remainAccuracy: 'RA', forgetLoss: 'FL', remainLoss: 'RL' }, curvesGenerates: {}, racePlane: 'Plane', racePlaneNote: 'Goal.', racePlaneNoteAlone: 'No goal.', retrained: 'Retrained', notMeasured: '', none: '' };
const HTML = `<button id="unlearn">x</button><div id="c">${raceParts()}</div>`;
const later = (wait = 30) => new Promise((resolve) => setTimeout(resolve, wait));

function mounted(server = {}) {
  const body = page(HTML);
  const asked = [];
  const it = component(body.querySelector('#c'), null);
  it.trigger = (name, data) => asked.push([name, data]);
  it.server = { expect: async ({ methods }) => (methods.length < 2 ? { error: 'Too few.' } : { words: `${methods.length} runs` }), ...server };
  const made = new Race(it, T, () => {});
  return { made, asked, part: (name) => body.querySelector(`[data-part="${name}"]`), body };
}

test('the form tells what a race takes, and starts only what makes sense', { skip: without }, async () => {
  const { made, asked, part } = mounted();
  assert.deepEqual(asked, [['submit', { ask: 'last' }]]);
  made.offer('m', { forget: [['class:A', 'A']], methods: [['a', 'Method A'], ['b', '<b>B</b>'], ['c', 'C'], ['d', 'D']] });
  await later();
  assert.equal(part('race-expected').textContent, '3 runs');
  assert.equal(part('race-start').disabled, false);
  assert.equal(part('race-methods').querySelectorAll('b').length, 0);
  for (const box of part('race-methods').querySelectorAll('input')) box.checked = box.value === 'a';
  part('race-methods').dispatchEvent(new window.Event('change'));
  await later();
  assert.deepEqual([part('race-expected').textContent, part('race-start').disabled], ['Too few.', true]);
});

test('a race is followed until it ends, and its runs can be opened', { skip: without }, async () => {
  const news = { ...race({ state: 'finished', line: 'All 2 runs have ended.', left: null, table: table(['a', 'b']), rows: [{ retrained: { FA: 0, RA: 99 } }, {}] }), runs: {} };
  const polled = [];
  const { made, asked, part, body } = mounted({ poll: async (have) => { polled.push(have); return news; } });
  made.update({ race: race() });
  assert.equal(part('race').hidden, false);
  assert.equal(part('race-facts').textContent, 'Elapsed 3.0 s. Left 1 min 0 s. CPU');
  assert.deepEqual([part('race-start').disabled, part('race-stop').disabled], [true, false]);
  assert.equal(part('race-figures').querySelectorAll('figure:not([hidden])').length, 3); // no losses yet
  await later(900);
  assert.equal(polled.length, 1); // and no more, since it has ended
  assert.equal(polled[0].follow, 'f');
  assert.equal(part('race-line').textContent, 'All 2 runs have ended.');
  assert.equal(part('race-said').textContent, 'a.b.');
  assert.equal(part('race-stop').disabled, true);
  assert.equal(body.querySelectorAll('.model.retrained').length > 0, true);
  body.querySelector('button.open').dispatchEvent(new window.Event('click'));
  assert.deepEqual(asked.at(-1), ['submit', { ask: 'open', entry: 'a-0' }]);
});

test('Stop is asked once, a sentence is shown, and a race that is gone is looked for', { skip: without }, async () => {
  const { made, asked, part } = mounted({ poll: async () => ({ state: 'gone' }) });
  made.update({ race: race() });
  part('race-stop').dispatchEvent(new window.Event('click'));
  assert.deepEqual([asked.at(-1), part('race-stop').disabled], [['submit', { ask: 'stop' }], true]);
  await later(900);
  assert.deepEqual(asked.at(-1), ['submit', { ask: 'last' }]);
  made.update({ race: null });
  assert.equal(part('race').hidden, true);
  made.update({ error: 'Busy <b>.' });
  assert.deepEqual([part('race-error').hidden, part('race-error').textContent], [false, 'Busy <b>.']);
});
