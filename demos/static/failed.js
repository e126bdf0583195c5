// Gradio (6.31) shows the sentence of an error only where the event went through its queue; this shows it of all others, and of what the
// queue itself refuses.
(() => {
  const { sentence } = document.currentScript.dataset;
  const send = window.fetch.bind(window);
  const watched = /\/gradio_api\/(run|queue\/join)\b/;
  let going;
  const show = (text) => {
    let box = document.querySelector('#pg-failed');
    if (!box) {
      box = document.createElement('div');
      box.id = 'pg-failed';
      box.setAttribute('role', 'alert');
      box.addEventListener('click', () => box.remove());
      document.body.append(box);
    }
    box.textContent = typeof text === 'string' && text ? text : sentence;
    clearTimeout(going);
    going = setTimeout(() => box.remove(), 12000);
  };
  window.fetch = async (...given) => {
    const answer = await send(...given);
    if (!answer.ok && watched.test(String(given[0]?.url ?? given[0]))) {
      answer.clone().json().then((said) => show(said.error ?? said.detail), () => show());
    }
    return answer;
  };
})();
