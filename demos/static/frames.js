// See demos/frames.py. A callback that only counts seconds gets one frame a second; everything else gets its frames.
(() => {
  const frame = window.requestAnimationFrame.bind(window);
  const counts = (call) => /performance\.now\(\)\s*-[^;]*\/\s*(1e3|1000)/.test(String(call));
  window.requestAnimationFrame = (call) => (counts(call) ? setTimeout(() => frame(call), 1000) : frame(call));
})();
