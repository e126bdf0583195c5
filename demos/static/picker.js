// Cards with pictures to choose from: checkboxes (several) or radio buttons (one).
// value = {cards: address, selected: [id], times: {id: expected time}, brings}; where brings is 'times', nothing else in it counts. At the address lie {items: [{id, label, about, images: [src], group, disabled, reason}],
// several, legend, find, more}. A group's cards stand together under its name. about are lines on what is chosen: the first stands below
// the cards, the others are folded under the words of more. Of many items, find names a field that shows only those whose label holds
// what is written.
import { fetched, follow, make } from './lib.js';

const MANY = 40;
const COLUMNS = 7; // of cards in groups, as in page.css

export const mount = (component) => new Picker(component);

/** The value to show once another has come. Times were asked for with the cards of then: what came or was chosen meanwhile stays. */
export function taken(shown, value) {
  if (value.brings !== 'times' || !shown) return value;
  return { ...shown, times: { ...shown.times, ...value.times } };
}

/** The line of a card that says how long its run takes; it keeps its height while it says nothing. */
const timed = (card) => {
  const text = card.querySelector('.picker-text');
  if (!text.querySelector('.picker-time')) text.append(make('span', { class: 'picker-time' }));
  return text.querySelector('.picker-time');
};

class Picker {
  constructor(component) {
    this.props = component.props;
    this.trigger = component.trigger;
    this.box = component.element.querySelector('.picker');
    this.name = `pick${Math.random().toString(36).slice(2)}`;
    this.address = ''; // of the cards that are shown
    this.chosen = []; // what was selected last
    follow(component, () => this.update());
  }

  async update() {
    const { props } = this;
    if (!props.value?.cards) return;
    if (props.value.brings) props.value = taken(this.shown, props.value);
    const address = props.value.cards;
    // Other cards without a selection: what was chosen while they were on their way counts.
    if (!props.value.selected) props.value = { ...props.value, selected: this.chosen };
    this.chosen = props.value.selected;
    this.shown = props.value;
    if (address !== this.address) {
      const cards = await fetched(address);
      if (address !== props.value.cards) return; // other cards came meanwhile
      this.address = address;
      this.cards = cards;
      this.build(cards);
    }
    this.mark();
  }

  mark() {
    for (const input of this.box.querySelectorAll('input')) {
      input.checked = this.chosen.includes(input.value);
      input.parentElement.classList.toggle('chosen', input.checked);
      const { times } = this.props.value;
      if (times) timed(input.parentElement).textContent = times[input.value] || '\u00a0';
    }
    if (this.about) this.describe(this.cards.items.find(({ id }) => this.chosen.includes(id))?.about ?? []);
  }

  /** Its place is kept whatever is said there, so that nothing below moves. */
  describe([first = '', ...others]) {
    const [line, folded] = this.about.children;
    line.textContent = first;
    line.title = first;
    folded.hidden = !others.length;
    folded.lastChild.replaceChildren(...others.map((text) => make('li', {}, text)));
  }

  build(value) {
    this.box.replaceChildren(make('legend', {}, value.legend || ''));
    if (value.find && value.items.length > MANY) this.box.append(this.finder(value.find));
    let grid = null;
    for (const item of value.items) {
      const group = item.group || '';
      if (grid?.dataset.group !== group) grid = this.grid(group);
      grid.append(this.card(item, value.several));
    }
    for (const part of this.box.querySelectorAll('.picker-part')) {
      const n = Math.min(COLUMNS, part.lastChild.children.length);
      part.style.flex = `${n} 1 ${(90 * n) / COLUMNS}%`;
      part.lastChild.style.gridTemplateColumns = `repeat(${n}, minmax(0, 1fr))`;
    }
    this.about = null;
    if (!value.more) return;
    this.about = make('div', { class: 'picker-about' },
      make('p', {}),
      make('details', {}, make('summary', {}, value.more), make('ul', {})));
    this.box.append(this.about);
  }

  grid(group) {
    const id = this.name + this.box.querySelectorAll('.picker-group').length;
    const labelled = group ? { role: 'group', 'aria-labelledby': id } : {};
    const grid = make('div', { class: 'picker-grid', 'data-group': group, ...labelled });
    if (!group) this.box.append(grid);
    else this.part(group, id, grid);
    return grid;
  }

  /** Small groups stand side by side, each as wide as its cards. */
  part(group, id, grid) {
    const parts = this.box.querySelector('.picker-parts') ?? make('div', { class: 'picker-parts' });
    this.box.append(parts);
    parts.append(make('div', { class: 'picker-part' }, make('span', { class: 'picker-group', id }, group), grid));
  }

  card(item, several) {
    const type = several ? 'checkbox' : 'radio';
    const input = make('input', { type, name: this.name, value: item.id, disabled: Boolean(item.disabled) });
    input.addEventListener('change', () => this.choose(item.id, input.checked));
    const pictures = make('span', { class: `picker-pictures count${item.images.length}` }, ...item.images.map((src) => {
      const image = make('img', { alt: '', src });
      // Small drawings keep their pixels; larger pictures are shown smaller than they are.
      image.addEventListener('load', () => image.classList.toggle('smooth', image.naturalWidth > 32));
      return image;
    }));
    const text = make('span', { class: 'picker-text' },
      make('span', { class: 'picker-label' }, item.label),
      ...(item.reason ? [make('span', { class: 'picker-detail' }, item.reason)] : []));
    const bare = !item.images.length;
    return make('label', { class: `picker-card${bare ? ' bare' : ''}` }, input, ...(bare ? [] : [pictures]), text);
  }

  choose(id, checked) {
    const { props } = this;
    const { several } = this.cards;
    const known = new Set(this.cards.items.map((i) => i.id));
    const others = several ? props.value.selected.filter((other) => other !== id) : [];
    const selected = checked ? [...others, id] : others;
    // Chosen on another page: not among the items, still selected.
    this.chosen = several ? selected : selected.filter((other) => known.has(other));
    props.value = { ...props.value, selected: this.chosen };
    this.shown = props.value;
    this.mark();
    this.trigger('input');
  }

  finder(title) {
    const field = make('input', { type: 'search' });
    field.addEventListener('input', () => {
      const wanted = field.value.trim().toLowerCase();
      for (const card of this.box.querySelectorAll('.picker-card')) {
        const shown = card.querySelector('.picker-label').textContent.toLowerCase().includes(wanted);
        card.hidden = !shown && !card.querySelector('input').checked; // what is chosen stays in sight
      }
    });
    return make('label', { class: 'picker-find' }, `${title} `, field);
  }
}
