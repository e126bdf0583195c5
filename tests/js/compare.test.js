// The tab Compare methods: order, cells and files of its table, and the whole of it in a document of Node's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mount } from '../../demos/static/compare.js';
import { shown, signed, sorted, valueText } from '../../demos/static/ranking.js';
import { csv, json, latex, markdown } from '../../demos/static/writers.js';
import { component, page, without } from './page.js';

const column = (key, more = {}) => ({ key, title: `Title ${key}`, unit: '%', good: 'lower', digits: 1, sentence: `About ${key}.`, ...more });
const cell = (mean, more = {}) => ({ mean, spread: null, n: 1, gap: null, score: mean, best: false, ...more });
const row = (name, cells, more = {}) => ({ name, cells, done: 1, of: 1, notes: [], runs: [], pinned: false, ours: false, ...more });
const table = {
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

const T = {
  method: 'Method', runs: 'Runs', runsOf: '{done} of {of}', gap: 'gap {gap}', none: 'none', notMeasured: 'not measured', sortedUp: 'Up by {column}.', sortedDown: 'Down by {column}.',
  saved: 'Saved: {name}', by: 'By:', failed: 'Not there.',
};
const HTML = `<div><label><select data-part="model"></select></label><label><select data-part="group"></select></label><label><select data-part="which"></select></label>
<div data-part="said"></div><div data-part="table"></div><p data-part="sorted"></p><p data-part="notes"></p><p data-part="about"></p><div data-part="save"><button data-save="CSV"></button></div><p data-part="saved"></p><dl data-part="meanings"></dl></div>`;
const address = (value) => `data:application/json,${encodeURIComponent(JSON.stringify(value))}`;
const arrived = () => new Promise((resolve) => setTimeout(resolve, 50));

test('the tab shows the chosen table, sorts it and tells so', { skip: without }, async () => {
  const body = page(HTML);
  globalThis.location = { search: '?model=m' };
  const tables = [{ key: '', name: 'all', ...table }, { key: 'class:<b>', name: 'one', ...table, said: ['Another.'] }];
  const value = { about: { said: 'Recorded.', command: 'python' }, groups: [{ key: 'class', name: 'Classes', tables }] };
  const it = component(body.firstElementChild, null, T);
  it.props.models = [{ model: 'other', title: 'Other', fetch: 'data:,' }, { model: 'm', title: 'M', fetch: address(value) }];
  mount(it);
  await arrived();
  const cells = () => [...body.querySelectorAll('tbody th')].map((node) => node.textContent);
  assert.deepEqual(cells(), ['Original', 'Alpha', 'Zeta36 steps', 'Mid']);
  assert.equal(body.querySelector('[data-part=said]').textContent, 'First line.Second line.');
  assert.equal(body.querySelector('[data-part=about]').textContent, 'Recorded. By: python');
  assert.equal(body.querySelector('td b').textContent, '2.0 ± 0.5');
  assert.match(body.querySelector('tr.ours .gap').textContent, /gap \u22121\.3/);
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
