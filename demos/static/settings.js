// Method, preset, variant and settings of a run, drawn from the config's schema.
// value: what the visitor chose, {model, method, preset, variant, changed: {setting: value}, run: {field: value}, shown: key of the offer,
// first: method that the model begins with}.
// offer: what can be chosen and what each field starts from (Chosen.offer in Python). It comes anew for each other choice, and for a class
// that has settings of its own; an offer for an earlier choice is left alone, for the one for the last choice follows it.
import { fill, make, partsOf, put } from './lib.js';

export function mount(component) {
  const settings = new Settings(component);
  component.watch(['value', 'offer'], () => settings.update());
  settings.update();
}

/** Whether a field may hold a value, as far as the page can tell; the server has the last word. */
export function accepts(spec, value) {
  if (value === spec.value || (spec.kind !== 'int' && spec.kind !== 'float')) return true;
  if (value === null) return Boolean(spec.optional);
  if (typeof value !== 'number' || (spec.kind === 'int' && !Number.isInteger(value))) return false;
  return (spec.low === null || value >= spec.low) && (spec.high === null || value <= spec.high);
}

/**
 * What is chosen when an offer has come: another model has no changes yet, what it does not have gives way to what it has, and where the
 * method was what the model before begins with, this one begins with its own.
 */
export function taken(value, offer) {
  const next = { ...value, first: offer.first };
  if (offer.model !== value.model) {
    Object.assign(next, { model: offer.model, changed: {} });
    if (value.method === value.first) next.method = offer.first;
  }
  for (const { name, value: start, choices } of offer.choices) {
    if (!choices.some(([, id]) => id === next[name])) next[name] = start;
    if (next[name] !== start) return { next, suits: false }; // an offer for an earlier choice
  }
  return { next: { ...next, shown: offer.key }, suits: true };
}

class Settings {
  constructor({ element, props, trigger }) {
    Object.assign(this, { props, trigger, texts: props.texts, fields: [], shape: '' });
    this.part = partsOf(element);
    this.part('reset').addEventListener('click', () => {
      this.keep({ changed: {}, run: {} });
      this.show();
      this.trigger('input');
    });
  }

  keep(changes) {
    this.props.value = { ...this.props.value, ...changes };
  }

  update() {
    if (!this.props.offer || !this.props.value) return;
    const offer = JSON.parse(JSON.stringify(this.props.offer)); // plain objects, quicker than Svelte's
    const { next, suits } = taken(this.props.value, offer);
    this.keep(next);
    for (const choice of offer.choices) this.choice(choice);
    if (!suits) return;
    const note = this.part('note');
    if (this.note !== offer.note) note.innerHTML = offer.note; // of a template that escapes
    this.note = offer.note;
    const shape = JSON.stringify(offer.fields.map((spec) => ({ ...spec, value: 0 })));
    if (shape !== this.shape) this.draw(offer.fields);
    this.shape = shape;
    offer.fields.forEach((spec, k) => { this.fields[k].spec.value = spec.value; });
    this.show();
  }

  /** Method and preset stand above; the variant is folded away with the settings. */
  choice({ name, label, choices }) {
    const place = this.part(name === 'variant' ? 'further' : 'choices');
    let select = place.querySelector(`#set-${name} select`);
    if (!select) {
      select = make('select');
      place.append(this.row({ name, label }, select));
      select.addEventListener('change', () => {
        this.keep({ [name]: select.value, changed: {} });
        this.trigger('input');
      });
    }
    const titles = JSON.stringify(choices);
    if (select.dataset.titles !== titles) select.replaceChildren(...choices.map(([title, id]) => new Option(title, id)));
    select.dataset.titles = titles;
    select.value = this.props.value[name];
  }

  /** Switches first, then the others in their groups, in the order of the fields. */
  draw(specs) {
    this.fields = specs.map((spec) => new Field({ ...spec }, this));
    const groups = Map.groupBy(this.fields, ({ spec }) => spec.group);
    const switches = groups.get('ablation') ?? [];
    groups.delete('ablation');
    this.part('ablation').hidden = !switches.length;
    this.part('switches').replaceChildren(...switches.map(({ node }) => node));
    this.part('groups').replaceChildren(...Array.from(groups, ([group, fields]) => make('fieldset', { class: 'set-group' },
      make('legend', {}, this.texts.groups[group] ?? group),
      make('div', { class: 'set-fields' }, ...fields.map(({ node }) => node)))));
  }

  /** An input in its row, with label and help. */
  row({ name, label, info }, input) {
    const id = `set-${name}`;
    input.id = `${id}-input`;
    const title = make('label', { for: input.id, id: `${id}-label` }, label);
    const node = make('div', { class: 'set-field', id }, ...(input.type === 'checkbox' ? [input, title] : [title, input]));
    if (info) {
      input.setAttribute('aria-describedby', `${id}-info`);
      node.append(make('span', { class: 'set-info', id: `${id}-info` }, info));
    }
    return node;
  }

  show() {
    for (const field of this.fields) field.show();
    this.count();
  }

  count() {
    const n = this.fields.filter((field) => field.changed).length;
    put(this.part('count'), n ? fill(this.texts.count, { n }) : '');
    this.part('reset').hidden = !n;
  }
}

/** One field: its input, a button back to what it starts from, and what is wrong with it. */
class Field {
  constructor(spec, settings) {
    Object.assign(this, { spec, settings, part: spec.group === 'run' ? 'run' : 'changed' });
    this.number = spec.kind === 'int' || spec.kind === 'float';
    if (spec.kind === 'choice') this.input = make('select', {}, ...spec.choices.map(([title, id]) => new Option(title, id)));
    else this.input = make('input', this.number ? { type: 'number', step: 'any' } : { type: 'checkbox' });
    this.back = make('button', { type: 'button', class: 'set-back', 'aria-describedby': `set-${spec.name}-label` }, '↺');
    this.error = make('span', { class: 'set-error', role: 'alert' });
    this.node = settings.row(spec, this.input);
    this.node.append(this.back, this.error);
    const told = () => settings.trigger('input');
    this.input.addEventListener('input', () => this.typed());
    this.input.addEventListener('change', told);
    if (spec.slider) {
      const step = spec.kind === 'int' ? 1 : 0.001;
      // The box beside it says and takes the same, so that keyboard and screen reader can do without it.
      this.slider = make('input', { type: 'range', min: spec.low, max: spec.high, step, tabindex: -1, 'aria-hidden': 'true' });
      this.slider.addEventListener('input', () => { this.input.value = this.slider.value; this.typed(); });
      this.slider.addEventListener('change', told);
      this.input.after(this.slider);
    }
    this.back.addEventListener('click', () => {
      this.set(this.spec.value);
      this.show();
      settings.count();
      this.input.focus();
      told();
    });
  }

  get value() {
    const changed = this.settings.props.value[this.part];
    return this.spec.name in changed ? changed[this.spec.name] : this.spec.value;
  }

  get changed() {
    return this.value !== this.spec.value;
  }

  set(value) {
    const { [this.spec.name]: _, ...others } = this.settings.props.value[this.part];
    this.settings.keep({ [this.part]: value === this.spec.value ? others : { ...others, [this.spec.name]: value } });
  }

  /** What the input holds; of a number "" is none, and what is no number is said to be so. */
  read() {
    if (this.spec.kind === 'bool') return this.input.checked;
    if (!this.number) return this.input.value;
    if (this.input.validity.badInput) return this.settings.texts.unreadable;
    return this.input.value === '' ? null : Number(this.input.value);
  }

  typed() {
    this.set(this.read());
    if (this.slider) this.slider.value = this.input.value;
    this.mark();
    this.settings.count();
  }

  show() {
    const { value } = this;
    if (this.spec.kind === 'bool') this.input.checked = value;
    else if (value !== this.settings.texts.unreadable) this.input.value = value ?? '';
    if (this.slider) this.slider.value = value;
    this.mark();
  }

  mark() {
    const { empty, back } = this.settings.texts;
    const right = accepts(this.spec, this.value);
    this.node.classList.toggle('changed', this.changed);
    this.back.hidden = !this.changed;
    this.back.title = fill(back, { value: this.spec.value ?? empty });
    this.back.setAttribute('aria-label', this.back.title);
    this.input.setAttribute('aria-invalid', String(!right));
    put(this.error, right ? '' : this.spec.wanted);
  }
}
