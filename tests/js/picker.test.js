// Times that come while other cards have come or been chosen.
import assert from 'node:assert/strict';
import test from 'node:test';
import { taken } from '../../demos/static/picker.js';

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
