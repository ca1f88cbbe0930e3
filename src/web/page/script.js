'use strict';
// Brings the main part up to date without losing the place: what is unfolded stays so, and so does
// the focus. The filter is answered by the server; this only asks while it is typed.
(() => {
  const box = document.getElementById('refresh');
  const filter = document.getElementById('q');
  let asked = 0;
  if (!box) return;
  box.parentElement.hidden = false;
  try { box.checked = sessionStorage.getItem('refresh') !== 'off'; } catch { /* Not allowed: on. */ }

  async function update() {
    const turn = ++asked;
    try {
      const answer = await fetch(location.href.split('#')[0], { cache: 'no-store' });
      if (!answer.ok || turn !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (turn !== asked) return;
      const fresh = page.querySelector('main');
      const old = document.querySelector('main');
      const folds = [...old.querySelectorAll('details')];
      [...fresh.querySelectorAll('details')].forEach((fold, place) => {
        const same = fold.id ? document.getElementById(fold.id) : folds[place];
        if (same) fold.open = same.open;
      });
      const focused = old.contains(document.activeElement) && document.activeElement !== old
        ? [...old.querySelectorAll('a, summary')].indexOf(document.activeElement) : -1;
      const href = focused >= 0 ? document.activeElement.getAttribute('href') : null;
      old.replaceWith(document.importNode(fresh, true));
      document.title = page.title;
      if (focused >= 0) {
        const places = [...document.querySelectorAll('main a, main summary')];
        const same = href && places.find(place => place.getAttribute('href') === href);
        (same || places[focused])?.focus({ preventScroll: true });
      }
    } catch { /* The exporter restarts or the network is away: the next turn asks again. */ }
  }

  box.addEventListener('change', () => {
    try { sessionStorage.setItem('refresh', box.checked ? 'on' : 'off'); } catch { /* As above. */ }
  });
  setInterval(() => {
    const reading = String(getSelection()) !== '';
    if (box.checked && !document.hidden && !reading) update();
  }, 30000);

  if (filter) {
    let wait;
    filter.addEventListener('input', () => {
      clearTimeout(wait);
      wait = setTimeout(() => {
        const url = new URL(location.href);
        if (filter.value.trim()) url.searchParams.set('q', filter.value);
        else url.searchParams.delete('q');
        history.replaceState(null, '', url);
        update();
      }, 250);
    });
  }
})();
