// Two models' samples from the same noise, one over the other: a slider between them, or their difference.
// value: {models: [{id, title, uri}], first, words, blurred, left, right, width, height, rows: [{title, forgotten, differences: {"a|b": number}}]}
import { fill, follow, make, missing, partsOf } from './lib.js';

export function mount(component) {
  const { element, props } = component;
  const $ = partsOf(element);
  let shown = '';

  function show() {
    const value = props.value;
    if (!value?.models) return;
    const T = { ...props.texts, ...value.words };
    const find = (id) => value.models.find((model) => model.id === id) || value.models[0];
    const left = find($('left').value);
    const right = find($('right').value);
    const difference = $('difference').checked;
    const at = Number($('at').value);
    for (const [part, model] of [['a', left], ['b', right]]) if ($(part).src !== model.uri) $(part).src = model.uri;
    const words = { left: left.title, right: right.title, first: value.first };
    $('a').alt = fill(T.alt, { ...words, title: left.title });
    $('b').alt = fill(difference ? T.altDifference : T.alt, { ...words, title: right.title });
    $('b').style.clipPath = difference ? 'none' : `inset(0 0 0 ${at}%)`;
    $('b').style.mixBlendMode = difference ? 'difference' : 'normal';
    $('line').style.left = `${at}%`;
    $('line').hidden = $('slide').hidden = difference;
    $('at').setAttribute('aria-valuetext', fill(T.valueText, { ...words, at, rest: 100 - at }));
    $('caption').textContent = fill(difference ? T.captionDifference : T.caption, words);
    $('numbers').replaceChildren(...value.rows.map((row) => numbers(row, left.id, right.id)));
  }

  for (const part of ['left', 'right', 'difference']) $(part).addEventListener('change', show);
  $('at').addEventListener('input', show);
  follow(component, () => {
    const value = props.value;
    if (!value?.models) { shown = ''; return; }
    $('stage').classList.toggle('blurred', Boolean(value.blurred));
    if (value.key !== shown) {
      shown = value.key;
      for (const side of ['left', 'right']) {
        $(side).replaceChildren(...value.models.map((model) => make('option', { value: model.id }, model.title)));
        $(side).value = value[side];
      }
      $('stage').style.aspectRatio = `${value.width} / ${value.height}`;
    }
    show();
  });
}

/** A class's row of the table: how far the samples of two models lie apart. */
function numbers({ title, forgotten, differences }, left, right) {
  const found = left === right ? 0 : differences[[left, right].sort().join('|')];
  return make('tr', { class: forgotten && 'forget' },
    make('th', { scope: 'row' }, title),
    make('td', {}, missing(found) ? '–' : found.toFixed(1)));
}
