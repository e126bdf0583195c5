// Cards with pictures to choose from: checkboxes (several) or radio buttons (one). Runs as gr.HTML's js_on_load.
// value = {items: [{id, label, detail, more, images: [src], group, disabled, reason}], selected: [id], several, legend}; a group's cards
// stand together under its name. detail and more are lines; those of more are shown of what is chosen. Of many items, value.find names a
// field that shows only those whose label holds what is written.
const box = element.querySelector('.picker');
const name = 'pick' + Math.random().toString(36).slice(2);
const MANY = 40;
let shape = '';
let chosen = []; // what was selected last

function build(value) {
  box.replaceChildren();
  const legend = document.createElement('legend');
  legend.textContent = value.legend || '';
  box.append(legend);
  if (value.find && value.items.length > MANY) box.append(finder(value.find));
  let grid = null;
  for (const item of value.items) {
    const group = item.group || '';
    if (!grid || grid.dataset.group !== group) {
      grid = document.createElement('div');
      grid.className = 'picker-grid';
      grid.dataset.group = group;
      if (group) {
        const heading = document.createElement('span');
        heading.className = 'picker-group';
        heading.id = name + box.querySelectorAll('.picker-group').length;
        heading.textContent = group;
        grid.setAttribute('role', 'group');
        grid.setAttribute('aria-labelledby', heading.id);
        box.append(heading);
      }
      box.append(grid);
    }
    const card = document.createElement('label');
    card.className = 'picker-card';
    const input = document.createElement('input');
    input.type = value.several ? 'checkbox' : 'radio';
    input.name = name;
    input.value = item.id;
    input.disabled = Boolean(item.disabled);
    input.addEventListener('change', () => {
      const known = new Set(props.value.items.map((i) => i.id));
      const others = value.several ? props.value.selected.filter((id) => id !== item.id) : [];
      const selected = input.checked ? [...others, item.id] : others;
      // Chosen on another page: not among the items, still selected.
      props.value = { ...props.value, selected: value.several ? selected : selected.filter((id) => known.has(id)) };
      chosen = props.value.selected;
      mark(props.value);
      trigger('input');
    });
    const pictures = document.createElement('span');
    pictures.className = 'picker-pictures count' + item.images.length;
    for (const src of item.images) {
      const image = document.createElement('img');
      image.alt = '';
      // Small drawings keep their pixels; larger pictures are shown smaller than they are.
      image.addEventListener('load', () => image.classList.toggle('smooth', image.naturalWidth > 32));
      image.src = src;
      pictures.append(image);
    }
    const text = document.createElement('span');
    text.className = 'picker-text';
    const title = document.createElement('span');
    title.className = 'picker-label';
    title.textContent = item.label;
    text.append(title);
    lines(text, item.detail, 'picker-detail');
    lines(text, item.more, 'picker-detail picker-more');
    lines(text, item.reason ? [item.reason] : [], 'picker-detail');
    card.append(input, ...(item.images.length ? [pictures] : []), text);
    card.classList.toggle('bare', !item.images.length);
    grid.append(card);
  }
}

function lines(text, said, kind) {
  for (const line of said || []) {
    const node = document.createElement('span');
    node.className = kind;
    node.textContent = line;
    text.append(node);
  }
}

function finder(title) {
  const label = document.createElement('label');
  label.className = 'picker-find';
  label.append(title + ' ');
  const field = document.createElement('input');
  field.type = 'search';
  field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase();
    for (const card of box.querySelectorAll('.picker-card')) {
      const shown = card.querySelector('.picker-label').textContent.toLowerCase().includes(wanted);
      card.hidden = !shown && !card.querySelector('input').checked; // what is chosen stays in sight
    }
  });
  label.append(field);
  return label;
}

function mark(value) {
  for (const input of box.querySelectorAll('input')) {
    input.checked = value.selected.includes(input.value);
    input.parentElement.classList.toggle('chosen', input.checked);
  }
}

function update() {
  if (!props.value || !props.value.items) return;
  // Other cards without a selection: what was chosen while they were on their way counts.
  if (!props.value.selected) props.value = { ...props.value, selected: chosen };
  const value = props.value;
  chosen = value.selected;
  const cards = value.items.map((i) => [i.id, i.label, i.group, i.images.map((src) => src.length + src.slice(-32))]);
  const next = JSON.stringify([value.legend, value.several, cards]);
  if (next !== shape) {
    shape = next;
    build(value);
  }
  mark(value);
}

watch('value', update);
update();
