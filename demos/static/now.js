// "What now?": a button tells which suggestion the form shall hold, or opens a tab (demos/templates/what_now.html).
export function wireNow(element, tell) {
  element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-now], [data-tab]');
    if (button?.dataset.tab) document.getElementById(`tab-${button.dataset.tab}-button`)?.click();
    else if (button) tell(Number(button.dataset.now));
  });
}

export const mount = ({ element, trigger }) => wireNow(element, (now) => trigger('edit', { now }));
