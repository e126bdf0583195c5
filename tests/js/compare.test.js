// The tab Compare methods: order, cells and files of its table, and the whole of it in a document of Node's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formula, mount } from '../../demos/static/compare.js';
import { apart, DASHES, looks, plot, range, ticks } from '../../demos/static/plots.js';
import { shown, signed, sorted, valueText } from '../../demos/static/ranking.js';
import { csv, json, latex, markdown } from '../../demos/static/writers.js';
import { component, page, raceParts, without } from './page.js';

const column = (key, more = {}) => ({ key, title: `Title ${key}`, unit: '%', good: 'lower', digits: 1, sentence: `About ${key}.`, ...more });
const cell = (mean, more = {}) => ({ mean, spread: null, n: 1, gap: null, score: mean, best: false, ...more });
const row = (name, cells, more = {}) => ({ name, cells, done: 1, of: 1, notes: [], runs: [], pinned: false, ours: false, ...more });
const table = {
  plane: { x: 'Remains', y: 'Left', start: [90, 100], goal: null, ends: [{ name: 'Zeta', way: [[90, 100], [88, 2]] }] },
  title: 'Model: classes', by: 'a', said: ['First line.', 'Second line.'], notes: ['A note.'], columns: [column('a'), column('b', { digits: 2, unit: 'nats' })],
  pinned: [row('Original', { a: cell(90, { score: null }), b: null }, { pinned: true })],
  rows: [
    row('Zeta', { a: cell(2.04, { spread: 0.5, gap: -1.26, best: true }), b: cell(-3) }, { ours: true, notes: ['36 steps'] }),
    row('Alpha', { a: cell(10, { score: 1 }), b: null }, { done: 1, of: 3 }),
    row('Mid', { a: cell(5), b: cell(7) }),
  ],
};
const names = (rows) => rows.map(({ name }) => name);

test('rows are ordered by score, then by value; what was not measured comes last either way', () => {
  assert.deepEqual(names(sorted(table.rows, 'a')), ['Alpha', 'Zeta', 'Mid']);
  assert.deepEqual(names(sorted(table.rows, 'a', true)), ['Mid', 'Zeta', 'Alpha']);
  assert.deepEqual(names(sorted(table.rows, 'b')), ['Zeta', 'Mid', 'Alpha']);
  assert.deepEqual(names(sorted(table.rows, 'b', true)), ['Mid', 'Zeta', 'Alpha']);
  assert.deepEqual(names(sorted(table.rows, '')), ['Alpha', 'Mid', 'Zeta']);
});

test('numbers have their digits, a real minus sign, and no sign of nothing', () => {
  assert.deepEqual([shown(-3.04, 1), shown(-0.04, 1), shown(12345.6, 0)], ['\u22123.0', '0.0', '12,346']);
  assert.deepEqual([signed(1.26, 1), signed(-1.26, 1), signed(0.01, 1)], ['+1.3', '\u22121.3', '0.0']);
  assert.equal(valueText(cell(2.04, { spread: 0.5 }), column('a')), '2.0 ± 0.5');
});

test('a spreadsheet takes no name for a formula, and what is missing is empty', () => {
  const lines = csv(table, [row('=1+1', { a: cell(2.04, { spread: 0.5, gap: -1.26, n: 3, best: true }), b: null })]).split('\n');
  assert.equal(lines[0], 'row,runs,quantity,unit,mean,spread,gap_to_retrained,n,good,best');
  assert.equal(lines[1], "'=1+1,1,Title a,%,2.04,0.5,-1.26,3,lower,yes");
  assert.equal(lines[2], "'=1+1,1,Title b,nats,,,,,lower,");
  assert.match(csv(table, [row('a,"b"', { a: cell(1) })]), /\n"a,""b""",/);
});

test('markdown has the lines, the gaps and the best in bold', () => {
  const lines = markdown(table, [...table.pinned, ...table.rows], 'Source | here').split('\n');
  assert.deepEqual(lines.slice(0, 3), ['First line.', 'Second line.', '']);
  assert.equal(lines[3], '| method | runs | Title a (%) | Title b (nats) |');
  assert.equal(lines[5], '| Original |  | 90.0 | – |');
  assert.equal(lines[6], '| Zeta | 1 | **2.0 ± 0.5** (\u22121.3) | \u22123.00 |');
  assert.equal(lines[7], '| Alpha | 1 of 3 | 10.0 | – |');
  assert.equal(lines.at(-2), 'Source \\| here');
});

test('LaTeX escapes what means something there', () => {
  const text = latex(table, [...table.pinned, row('a_b & 5 %', { a: cell(2, { spread: 0.5, best: true, gap: -1 }), b: null })], 'S');
  assert.match(text, /\\begin\{tabular\}\{lrrr\}/);
  assert.match(text, /Method & runs & Title a \(\\%\) & Title b \(nats\) \\\\/);
  assert.match(text, /Original & {2}& 90\.0 & -- \\\\\n\\midrule/);
  assert.match(text, /a\\_b \\& 5 \\% & 1 & \\textbf\{2\.0 \$\\pm\$ 0\.5\} \(\$-\$1\.0\) & -- \\\\/);
});

test('the JSON file holds unrounded numbers and where they come from', () => {
  const found = JSON.parse(json(table, table.rows, { model: 'm', source: 's' }));
  assert.deepEqual([found.model, found.source, found.rows[0].cells.a.mean, found.said.length], ['m', 's', 2.04, 2]);
});

test('ticks are round, ranges have room, names never overlap', () => {
  assert.deepEqual(ticks(0, 5), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(ticks(90.2, 91.9, 4), [90.5, 91, 91.5]);
  assert.deepEqual(ticks(0, 0.3, 3), [0, 0.1, 0.2, 0.3]);
  const [low, high] = range([50, 50], 4);
  assert.deepEqual([low, high], [48, 52]);
  const levels = apart([10, 11, 200, 12], 6, 100, 15);
  const ordered = [...levels].sort((a, b) => a - b);
  assert.ok(ordered.every((y, k) => k === 0 || y - ordered[k - 1] >= 15), String(levels));
  assert.ok(Math.max(...levels) <= 100 && levels[0] < levels[1] && levels[1] < levels[3]);
  assert.ok(Math.min(...apart(Array(9).fill(50), 6, 60, 15)) >= 6); // more than fit go on below
});

test('small letters of a formula stand below and above the line', { skip: without }, () => {
  page();
  assert.equal(formula('−∇KL(p_θ0 ‖ p_θ) ℓ_i^λ').innerHTML, '−∇KL(p<sub>θ0</sub> ‖ p<sub>θ</sub>) ℓ<sub>i</sub><sup>λ</sup>');
});

test('no two of many lines look alike', () => {
  const seen = Array.from({ length: 36 }, (_, k) => looks(k)).map(({ colour, dash }) => `${colour} ${dash}`);
  assert.equal(new Set(seen).size, 36);
  assert.ok(seen.every((look) => DASHES.includes(look.slice(2))));
});

test('a plot has a path for each line, a sign for each point, and names where they end', { skip: without }, () => {
  page();
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const lines = [{ name: 'A <b>', points: [[0, 1], [10, 3, 0.5]] }, { name: 'B', points: [[0, 1], [10, 2]], end: true }];
  plot(svg, { lines, x: { title: 'step' }, y: { title: 'loss' }, target: { y: 2.5, name: 'goal' }, start: { name: 'Start', at: [0, 1] } });
  assert.equal(svg.querySelectorAll('polyline.path').length, 2);
  assert.equal(svg.querySelectorAll('.mark').length, 3);
  assert.equal(svg.querySelectorAll('.bar').length, 1);
  assert.deepEqual([...svg.querySelectorAll('text.name')].map((node) => node.textContent), ['A <b>', 'B', 'goal', 'Start']);
  const [first] = svg.querySelector('polyline').getAttribute('points').split(' ').map((pair) => pair.split(',').map(Number));
  assert.ok(first[0] >= 44 && first[1] > 100); // the lowest value stands low, at the left
});

const T = {
  method: 'Method', runs: 'Runs', runsOf: '{done} of {of}', gap: 'gap {gap}', none: 'none', notMeasured: 'not measured', sortedUp: 'Up by {column}.', sortedDown: 'Down by {column}.',
  saved: 'Saved: {name}', by: 'By:', failed: 'Not there.', recorded: 'recorded', original: 'Original', retrained: 'Retrained', spread: 'spread', numbers: 'Numbers', saveFigure: 'Save as {kind}',
  figureAlt: '{title}.', planeTitle: 'Plane', planeNote: 'With goal.', planeNoteAlone: 'Without goal.', parts: ['Mask', 'Forgetting'], noPart: 'none', sweepNote: '{help} {n} seeds.', sweepNoteOnce: '{help} Once.',
};
const HTML = `<div><label><select data-part="model"></select></label><label><select data-part="group"></select></label><label><select data-part="which"></select></label>
<div data-part="said"></div><div data-part="table"></div><p data-part="sorted"></p><p data-part="notes"></p><p data-part="about"></p><div data-part="save"><button data-save="CSV"></button></div><p data-part="saved"></p><dl data-part="meanings"></dl><div data-part="plane"></div><div data-part="differences"></div><div data-part="sweeps"></div>${raceParts()}</div><button id="unlearn"></button>`;
const address = (value) => `data:application/json,${encodeURIComponent(JSON.stringify(value))}`;
const arrived = () => new Promise((resolve) => setTimeout(resolve, 50));

test('the tab shows the chosen table, sorts it and tells so', { skip: without }, async () => {
  const body = page(HTML);
  globalThis.location = { search: '?model=m' };
  const tables = [{ key: '', name: 'all', ...table }, { key: 'class:<b>', name: 'one', ...table, said: ['Another.'] }];
  const methods = [{ name: 'Zeta', paper: 'Somebody', parts: [['', ''], ['ascent', '−g_f']] }];
  const sweep = {
    title: 'What λ does', field: 'λ', method: 'Zeta', help: 'Higher is higher.', about: { said: 'Recorded.', command: 'sweep' }, retrained: { FA: 92 },
    points: [{ value: 0, n: 2, FA: [91, 0.5] }, { value: 1, n: 3, FA: [93, null] }], quantities: [{ key: 'FA', title: 'Forget accuracy', digits: 1 }],
  };
  const race = { forget: [['class:A', 'A']], methods: [['a', 'Zeta'], ['b', 'B']] };
  const value = { model: 'm', race, methods, sweeps: [sweep], about: { said: 'Recorded.', command: 'python' }, groups: [{ key: 'class', name: 'Classes', tables }] };
  const it = component(body.firstElementChild, null, T);
  it.props.models = [{ model: 'other', title: 'Other', fetch: 'data:,' }, { model: 'm', title: 'M', fetch: address(value) }];
  it.server = { expect: async () => ({ words: '2 runs' }) };
  mount(it);
  await arrived();
  const cells = () => [...body.querySelectorAll('.ranking tbody th')].map((node) => node.textContent);
  assert.deepEqual(cells(), ['Original', 'Alpha', 'Zeta36 steps', 'Mid']);
  assert.equal(body.querySelector('[data-part=said]').textContent, 'First line.Second line.');
  assert.equal(body.querySelector('[data-part=about]').textContent, 'Recorded. By: python');
  assert.equal(body.querySelector('td b').textContent, '2.0 ± 0.5');
  assert.match(body.querySelector('tr.ours .gap').textContent, /gap \u22121\.3/);
  assert.equal(body.querySelector('[data-part=differences] tbody').textContent, 'ZetaSomebodynoneascent−gf');
  assert.equal(body.querySelector('[data-part=race-expected]').textContent, '2 runs');
  const figures = [...body.querySelectorAll('[data-part=plane] figure, [data-part=sweeps] figure')];
  assert.deepEqual(figures.map((figure) => figure.querySelector('figcaption').textContent), ['Plane', 'Forget accuracy']);
  assert.equal(figures[0].querySelector('tbody').textContent, 'Original90.0100.0Zeta88.02.0');
  assert.equal(figures[0].querySelector('.compare-note').textContent, 'Without goal.');
  assert.equal(figures[1].querySelector('tbody').textContent, '091.00.5193.0–');
  assert.equal(figures[1].querySelectorAll('svg line.bar').length, 1);
  assert.equal(figures[1].querySelectorAll('svg line.target').length, 1);
  assert.match(body.querySelector('[data-part=sweeps]').textContent, /Higher is higher\. 2 seeds\./);
  const head = (key) => body.querySelector(`[data-sort="${key}"]`);
  assert.equal(head('a').parentElement.getAttribute('aria-sort'), 'ascending');
  head('a').click();
  assert.equal(head('a').parentElement.getAttribute('aria-sort'), 'descending');
  assert.deepEqual(cells(), ['Original', 'Mid', 'Zeta36 steps', 'Alpha']);
  assert.equal(body.querySelector('[data-part=sorted]').textContent, 'Down by Title a.');
  head('').click();
  assert.deepEqual(cells(), ['Original', 'Alpha', 'Mid', 'Zeta36 steps']);
  assert.equal(head('a').parentElement.getAttribute('aria-sort'), 'none');
  const which = body.querySelector('[data-part=which]');
  which.children[0].removeAttribute('selected');
  which.children[1].setAttribute('selected', '');
  which.dispatchEvent(new window.Event('change'));
  assert.equal(body.querySelector('[data-part=said]').textContent, 'Another.');
  assert.deepEqual(cells(), ['Original', 'Alpha', 'Mid', 'Zeta36 steps']); // in the order that was chosen
});

test('a table that does not come is said', { skip: without }, async () => {
  const body = page(HTML);
  globalThis.location = { search: '' };
  const it = component(body.firstElementChild, null, T);
  it.props.models = [{ model: 'm', title: 'M', fetch: 'data:application/json,{' }];
  mount(it);
  await arrived();
  assert.equal(body.querySelector('[data-part=said]').textContent, 'Not there.');
});
