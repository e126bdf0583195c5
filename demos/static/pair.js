// Two models' samples from the same noise, one over the other, a class or prompt a row: a slider between them, or their difference.
// value: {key, models: [{id, title}], blurred, left, right, rows: [{title, forgotten, pictures: {id: uri}, differences: {"a|b": number}}]}
import { fill, follow, make, missing, partsOf } from './lib.js';

export function mount(component) {
  const { element, props } = component;
  const $ = partsOf(element);
  const T = props.texts;
  let shown = '';

  function show() {
    const { models, rows } = props.value;
    const find = (id) => models.find((model) => model.id === id) || models[0];
    const left = find($('left').value);
    const right = find($('right').value);
    const difference = $('difference').checked;
    const at = Number($('at').value);
    const words = { left: left.title, right: right.title };
    $('slide').hidden = difference;
    $('at').setAttribute('aria-valuetext', fill(T.valueText, { ...words, at, rest: 100 - at }));
    $('caption').textContent = fill(difference ? T.captionDifference : T.caption, words);
    for (const [k, line] of [...$('rows').children].entries()) drawRow(line, rows[k], { left, right, difference, at, words, T });
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
      $('rows').replaceChildren(...value.rows.map(emptyRow));
    }
    show();
  });
}

function emptyRow({ title, forgotten }) {
  const stage = make('div', { class: 'pair-stage' }, make('img', { class: 'a' }), make('img', { class: 'b' }), make('span'));
  return make('tr', { class: forgotten && 'forget' }, make('th', { scope: 'row' }, title), make('td', {}, stage), make('td', { class: 'number' }));
}

/** A row's two models over each other, and how far their samples lie apart. */
function drawRow(line, { title, pictures, differences }, { left, right, difference, at, words, T }) {
  const $ = (selector) => line.querySelector(selector);
  const [a, b] = [$('.a'), $('.b')];
  for (const [image, model] of [[a, left], [b, right]]) {
    if (image.getAttribute('src') !== pictures[model.id]) image.setAttribute('src', pictures[model.id]);
    image.alt = fill(T.alt, { title, model: model.title });
  }
  if (difference) b.alt = fill(T.altDifference, { title, ...words });
  b.style.clipPath = difference ? 'none' : `inset(0 0 0 ${at}%)`;
  b.style.mixBlendMode = difference ? 'difference' : 'normal';
  const mark = $('span');
  mark.style.left = `${at}%`;
  mark.hidden = difference;
  const found = left === right ? 0 : differences[[left.id, right.id].sort().join('|')];
  $('.number').textContent = missing(found) ? '–' : found.toFixed(1);
}
