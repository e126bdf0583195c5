// Pictures inside .veiled are blurred (page.css) until somebody asks for them; every switch on the page says the same.
export function wireVeil(label) {
  const box = label.querySelector('input');
  box.checked = document.body.classList.contains('unveiled');
  box.addEventListener('change', () => {
    document.body.classList.toggle('unveiled', box.checked);
    for (const other of document.querySelectorAll('.veil-switch input')) other.checked = box.checked;
  });
}

export const mount = ({ element }) => wireVeil(element);
