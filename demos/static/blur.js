// Pictures inside .blurred are blurred (page.css) until somebody asks for them; every switch on the page says the same.
export function wireBlurSwitch(label) {
  const box = label.querySelector('input');
  box.checked = document.body.classList.contains('pictures-shown');
  box.addEventListener('change', () => {
    document.body.classList.toggle('pictures-shown', box.checked);
    for (const other of document.querySelectorAll('.blur-switch input')) other.checked = box.checked;
  });
}

export const mount = ({ element }) => wireBlurSwitch(element);
