// "What now?": a button that tells which suggestion the form shall hold (demos/templates/what_now.html).
export function wireNow(element, tell) {
  element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-now]');
    if (button) tell(Number(button.dataset.now));
  });
}

export const mount = ({ element, trigger }) => wireNow(element, (now) => trigger('edit', { now }));
