import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../../demos/static/share.js';

test('a link is the address of the page with the words of the run alone', () => {
  assert.equal(addressOf('https://me-play.hf.space/?__theme=dark&model=old#top', '?model=a&set=steps%3D3'), 'https://me-play.hf.space/?model=a&set=steps%3D3');
  assert.equal(addressOf('http://127.0.0.1:7860/room/', '?model=a', true), 'http://127.0.0.1:7860/room/?model=a&lesson=1');
  assert.equal(addressOf('http://127.0.0.1:7860/room/', '?model=a'), 'http://127.0.0.1:7860/room/?model=a');
});
