// Times that come while other cards have come or been chosen.
import assert from 'node:assert/strict';
import test from 'node:test';
import { mount, taken } from '../../demos/static/picker.js';
import { component, page, without } from './page.js';

const shown = { cards: 'b', selected: ['opened'], opened: ['opened'], times: { mine: 'about 20 s', opened: '' } };

test('times that were asked for before a model was opened leave its card where it is', () => {
  const late = { cards: 'a', opened: [], times: { mine: 'about 30 s' }, brings: 'times' };
  assert.deepEqual(taken(shown, late), { ...shown, times: { mine: 'about 30 s', opened: '' } });
});

test('other cards replace those that are shown', () => {
  const next = { cards: 'c', selected: ['mine'], opened: [], times: {} };
  assert.equal(taken(shown, next), next);
});

test('where nothing is shown yet, cards come with their times', () => {
  const first = { cards: 'a', times: { mine: '' }, brings: 'times' };
  assert.equal(taken(undefined, first), first);
});

const item = (id) => ({ id, label: id, images: [] });
const settled = () => new Promise((done) => { setTimeout(done); });

test('an opened model keeps its card and its place when times come that were asked for before', { skip: without }, async () => {
  const body = page('<div><fieldset class="picker"></fieldset></div>');
  window.playgroundData = { a: { items: [item('mine')] }, b: { items: [item('mine'), item('opened')] } };
  const picker = component(body.firstChild, { cards: 'a', selected: ['mine'], opened: [], times: {} });
  const marked = () => [...body.querySelectorAll('.picker-card')].map((card) => [card.querySelector('input').value, card.classList.contains('chosen')]);
  mount(picker);
  await settled();
  assert.deepEqual(marked(), [['mine', true]]);
  picker.send({ cards: 'b', selected: ['opened'], opened: ['opened'], times: {} });
  await settled();
  picker.send({ cards: 'a', opened: [], times: { mine: 'about 30 s' }, brings: 'times' });
  await settled();
  assert.deepEqual(marked(), [['mine', false], ['opened', true]]);
  assert.equal(body.querySelector('.picker-time').textContent, 'about 30 s');
  assert.deepEqual([picker.props.value.cards, picker.props.value.selected], ['b', ['opened']]);
});
