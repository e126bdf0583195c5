// Two models' samples from the same noise, one over the other: a slider between them, or their difference. gr.HTML's js_on_load.
// value: {models: [{id, title, uri}], first, words, blurred, left, right, width, height, rows: [{title, forgotten, differences: {"a|b": number}}]}
let T = props.texts;
const $ = (part) => element.querySelector(`[data-part="${part}"]`);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
let shown = '';

function options(select, value, chosen) {
  select.replaceChildren(...value.models.map((model) => {
    const option = document.createElement('option');
    option.value = model.id;
    option.textContent = model.title;
    return option;
  }));
  select.value = chosen;
}
function show() {
  const value = props.value;
  if (!value || !value.models) return;
  T = { ...props.texts, ...value.words };
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
  $('line').style.left = at + '%';
  $('line').hidden = $('slide').hidden = difference;
  $('at').setAttribute('aria-valuetext', fill(T.valueText, { ...words, at, rest: 100 - at }));
  $('caption').textContent = fill(difference ? T.captionDifference : T.caption, words);
  const key = [left.id, right.id].sort().join('|');
  $('numbers').replaceChildren(...value.rows.map((row) => {
    const line = document.createElement('tr');
    if (row.forgotten) line.className = 'forget';
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = row.title;
    const number = document.createElement('td');
    const found = left.id === right.id ? 0 : row.differences[key];
    number.textContent = found === undefined || found === null ? '–' : found.toFixed(1);
    line.append(name, number);
    return line;
  }));
}
function update() {
  const value = props.value;
  if (!value || !value.models) { shown = ''; return; }
  $('stage').classList.toggle('veiled', Boolean(value.blurred));
  const sign = value.key;
  if (sign !== shown) {
    shown = sign;
    options($('left'), value, value.left);
    options($('right'), value, value.right);
    $('stage').style.aspectRatio = `${value.width} / ${value.height}`;
    }
  show();
}
for (const part of ['left', 'right', 'difference']) $(part).addEventListener('change', show);
$('at').addEventListener('input', show);
watch('value', update);
update();
