// What the scripts draw, in a document of Node's: the same elements as the browser's, without its looks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mount as blur } from '../../demos/static/blur.js';
import { make, put } from '../../demos/static/lib.js';
import { drawPhases } from '../../demos/static/phases.js';
import { mount as picker } from '../../demos/static/picker.js';
import { drawPredictions } from '../../demos/static/predictions.js';
import { component, page, without } from './page.js';

const EVIL = '"><img src=x onerror=alert(1)>';
const drawn = (name, body) => test(name, { skip: without }, body);

drawn('new elements take attributes and text, and no text becomes markup', () => {
  page();
  const node = make('p', { class: EVIL, hidden: true, title: null, lang: false }, EVIL, make('b', {}, 'x'));
  assert.equal(node.querySelectorAll('img').length, 0);
  assert.equal(node.getAttribute('class'), EVIL);
  assert.deepEqual([node.hasAttribute('hidden'), node.hasAttribute('title'), node.hasAttribute('lang')], [true, false, false]);
  assert.equal(node.textContent, `${EVIL}x`);
  put(node, EVIL);
  assert.equal(node.children.length, 0);
});

const item = (id, more = {}) => ({ id, label: `Label ${id}`, images: [], ...more });

/** Cards at an address that needs no server. */
const address = (cards) => `data:application/json,${encodeURIComponent(JSON.stringify(cards))}`;
/** Until what was fetched from such an address is drawn. */
const arrived = () => new Promise((resolve) => setTimeout(resolve, 50));

async function picked({ selected = [], ...cards }) {
  const value = { cards: address({ several: true, legend: 'Classes', ...cards }), selected };
  const it = component(page('<fieldset class="picker"></fieldset>'), value);
  picker(it);
  await arrived();
  const inputs = () => [...it.element.querySelectorAll('input[type=checkbox], input[type=radio]')];
  return {
    ...it, inputs,
    cards: () => [...it.element.querySelectorAll('.picker-card')],
    click(at, checked = true) {
      inputs()[at].checked = checked;
      inputs()[at].dispatchEvent(new window.Event('change'));
    },
  };
}

drawn('several cards: what was chosen stays chosen, also on another page of cards', async () => {
  const it = await picked({ items: [item('a'), item('b', { disabled: true, reason: 'not here' })], selected: ['elsewhere'] });
  assert.deepEqual(it.inputs().map((input) => [input.type, input.checked, input.hasAttribute('disabled')]),
    [['checkbox', false, false], ['checkbox', false, true]]);
  assert.match(it.cards()[1].textContent, /not here/);
  it.click(0);
  assert.deepEqual(it.props.value.selected, ['elsewhere', 'a']);
  assert.ok(it.cards()[0].classList.contains('chosen'));
  it.click(0, false);
  assert.deepEqual(it.props.value.selected, ['elsewhere']);
  assert.deepEqual(it.sent, ['input', 'input']);
});

drawn('one of several: the others are left, and what is not among the cards too', async () => {
  const it = await picked({ items: [item('a'), item('b')], selected: ['a'], several: false });
  it.click(1);
  assert.deepEqual(it.props.value.selected, ['b']);
  assert.equal(it.inputs()[0].type, 'radio');
});

drawn('cards without a selection keep what was chosen while they were on their way', async () => {
  const it = await picked({ items: [item('a'), item('b')] });
  it.click(1);
  it.send({ cards: address({ items: [item('b'), item('c')], several: true, legend: '' }) });
  await arrived();
  assert.deepEqual(it.props.value.selected, ['b']);
  assert.deepEqual(it.inputs().map((input) => input.checked), [true, false]);
});

drawn('groups have names that their cards are read with; hostile labels are text', async () => {
  const it = await picked({ items: [item('a', { group: 'Objects', label: EVIL }), item('b', { group: 'Objects' }), item('c', { group: 'Styles' })] });
  const grids = [...it.element.querySelectorAll('.picker-grid')];
  assert.deepEqual(grids.map((grid) => grid.children.length), [2, 1]);
  for (const grid of grids) assert.ok(it.element.querySelector(`#${grid.getAttribute('aria-labelledby')}`));
  assert.equal(it.element.querySelectorAll('img').length, 0);
  assert.equal(it.element.querySelector('.picker-label').textContent, EVIL);
});

drawn('what is chosen is described below the cards: one line, the others folded', async () => {
  const about = { a: ['First', EVIL, 'Third'], b: ['Alone'] };
  const items = [item('a', { about: about.a }), item('b', { about: about.b })];
  const it = await picked({ items, selected: ['a'], several: false, more: 'More' });
  const said = () => {
    const [line, folded] = it.element.querySelector('.picker-about').children;
    return [line.textContent, folded.hasAttribute('hidden') || folded.hidden, [...folded.querySelectorAll('li')].map((li) => li.textContent)];
  };
  assert.deepEqual(said(), ['First', false, [EVIL, 'Third']]);
  assert.equal(it.element.querySelectorAll('img').length, 0);
  it.click(1);
  assert.deepEqual(said(), ['Alone', true, []]);
});

drawn('of many cards those are shown whose label holds what is written, and what is chosen', async () => {
  const it = await picked({ items: Array.from({ length: 41 }, (_, at) => item(String(at))), selected: ['3'], find: 'Find' });
  const field = it.element.querySelector('input[type=search]');
  field.value = 'label 40';
  field.dispatchEvent(new window.Event('input'));
  const shown = it.cards().filter((card) => !card.hidden).map((card) => card.querySelector('input').value);
  assert.deepEqual(shown, ['3', '40']);
  assert.equal((await picked({ items: [item('a')], find: 'Find' })).element.querySelector('input[type=search]'), null);
});

const T = {
  phases: { prepare: 'Prepare', unlearn: 'Unlearn' }, unitOf: '{done} of {total}', stepper: 'Phases',
  states: { todo: 'to do', now: 'now', done: 'done', stopped: 'stopped', skipped: 'left out' },
  truth: 'is: {truth}', sources: { train: 'training', test: 'test' }, right: 'right', wrong: 'wrong',
  alt: '{source} picture {row} of {truth}: {said} {percent} % ({verdict})', toForget: 'To forget', toForgetSamples: 'Chosen', toKeep: 'To keep',
};

drawn('phases have signs, words for those who see none, and a bar for the present one', () => {
  page('<ol></ol><progress max="1" value="0"></progress>');
  const [list, bar] = document.body.children;
  const phase = (id, state, done = 0, total = 0) => ({ id, state, done, total });
  drawPhases(list, bar, [phase('prepare', 'done'), phase('unlearn', 'now', 3, 8)], T);
  assert.deepEqual([...list.children].map((li) => li.textContent), ['✓Prepare, done', '▶Unlearn3 of 8, now']);
  assert.deepEqual([bar.getAttribute('aria-label'), Number(bar.max), Number(bar.value)], ['Unlearn', 8, 3]);
  assert.equal(list.children[1].getAttribute('aria-current'), 'step');
  const first = list.children[0];
  drawPhases(list, bar, [phase('prepare', 'done'), phase('unlearn', 'done')], T);
  assert.equal(list.children[0], first); // marked, not made anew
  assert.equal(list.children[1].hasAttribute('aria-current'), false);
  assert.equal(Number(bar.value), 1);
});

drawn('pictures to forget stand apart; a changed answer is marked without another picture', () => {
  const grid = page();
  const value = { classes: ['Cat', EVIL], forgotten: [1], pictures: { 'test:4': 'data:,four' } };
  const draw = (predicted) => drawPredictions(grid, { run: 'r', value, T, waiting: 'Waiting', shown: [[4, 1, predicted, 0.754, 'test'], [5, 0, 0, 1, 'train']] });
  draw(1);
  assert.deepEqual([...grid.querySelectorAll('section')].map((s) => [s.className, s.querySelectorAll('figure').length]), [['forget', 1], ['keep', 1]]);
  const figure = grid.querySelector('.forget figure');
  assert.equal(figure.querySelector('img').alt, `test picture 4 of ${EVIL}: ${EVIL} 75 % (right)`);
  assert.equal(grid.querySelectorAll('img').length, 2);
  draw(0);
  assert.equal(grid.querySelector('.forget figure'), figure);
  assert.ok(figure.classList.contains('wrong') && figure.classList.contains('changed'));
  assert.match(figure.textContent, /✗ Cat/);
  drawPredictions(grid, { run: 'other', value, T, waiting: 'Waiting', shown: [] });
  assert.equal(grid.textContent, 'Waiting');
});

drawn('one switch shows all blurred pictures, and every switch says so', () => {
  const label = '<label class="blur-switch"><input type="checkbox"></label>';
  page(`<p>${label}</p><p>${label}</p>`);
  const [first, second] = document.body.children;
  blur({ element: first });
  const [one, other] = document.querySelectorAll('input');
  one.checked = true;
  one.dispatchEvent(new window.Event('change'));
  assert.ok(document.body.classList.contains('pictures-shown'));
  assert.ok(other.checked);
  other.checked = false;
  blur({ element: second });
  assert.ok(other.checked); // as the page is by now
});
