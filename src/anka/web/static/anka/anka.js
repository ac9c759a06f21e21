// What the pages gain with script: ticking clocks, fresh state, a copy button, a theme switch. Everything works without it.
"use strict";
(() => {
  const pageLoadedAt = Date.now();
  const REFRESH_TRIES = 6;
  let offset = 0;
  let timer = 0;
  let tries = 0;

  // The server's clock counts, not this device's: a sandbox may have moved it by days.
  const learnServerTime = (receivedAt) => {
    const clock = document.querySelector("[data-now]");
    if (clock) offset = Date.parse(clock.dataset.now) - receivedAt;
  };
  const serverNow = () => Date.now() + offset;

  // The same cut as in templatetags/anka.py: two or three places, largest first.
  const places = (seconds) => {
    const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
    if (d) return [[d, 0], [h, 1], [m, 2]];
    return h ? [[h, 1], [m, 2], [s, 3]] : [[m, 2], [s, 3]];
  };

  const tick = () => {
    for (const clock of document.querySelectorAll("time[data-due]")) {
      const left = Math.max(0, Math.ceil((Date.parse(clock.dataset.due) - serverNow()) / 1000));
      const words = clock.dataset.units.split("|");
      const parts = places(left).map(([value, unit], index) => {
        const number = document.createElement("b");
        const word = document.createElement("span");
        number.textContent = index ? String(value).padStart(2, "0") : value;
        word.textContent = words[unit];
        return [number, word];
      });
      clock.replaceChildren(...parts.flat());
    }
    for (const bar of document.querySelectorAll("progress[data-due]")) {
      const since = Date.parse(bar.dataset.since);
      bar.value = Math.min(100, (100 * (serverNow() - since)) / (Date.parse(bar.dataset.due) - since));
    }
    if (!timer) planNext();
  };

  // A page that waits names its own pace; a clock that has fallen is asked after a few times, each wait twice as long.
  const planNext = () => {
    const seconds = Number(document.querySelector("main").dataset.refreshSeconds);
    const fallen = [...document.querySelectorAll("time[data-due]")].some((clock) => Date.parse(clock.dataset.due) <= serverNow());
    if (!fallen) tries = 0;
    if (fallen && tries < REFRESH_TRIES) plan(2 ** tries++);
    else if (seconds) plan(seconds);
  };
  const plan = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(refresh, seconds * 1000);
  };

  // Nobody loses what they are reading or typing: an open decision or a field in use puts the refresh off. What came open stays open.
  const busy = () => {
    const main = document.querySelector("main");
    return document.hidden || main.querySelector("details[open]:not([data-given])") || main.contains(document.activeElement?.closest("input, select, textarea"));
  };

  const focusable = () => [...document.querySelectorAll("main :is(a, button, summary, [tabindex])")];

  const swap = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.querySelector("main");
    if (!fresh) return;
    const place = focusable().indexOf(document.activeElement);
    document.querySelector("main").replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    if (place >= 0) focusable()[place]?.focus({ preventScroll: true });
    showHelpers();
    showOwnTab();
  };

  const refresh = async () => {
    if (busy()) return plan(3);
    try {
      const askedAt = Date.now();
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected) return location.assign(answer.url);
      const text = await answer.text();
      // Somebody may have begun to read or type while the answer was on its way.
      if (busy()) return plan(3);
      if (answer.ok) {
        swap(text);
        learnServerTime(askedAt);
      }
    } catch {
      // Offline: the page stays as it is; the next try comes by itself.
    }
    timer = 0;
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.querySelector("span").textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(source);
    }
  };

  const themes = ["", "light", "dark"];
  const theme = () => document.documentElement.dataset.theme || "";
  const nameTheme = (button) => {
    button.textContent = button.dataset.names.split("|")[themes.indexOf(theme())];
  };
  const switchTheme = (button) => {
    const next = themes[(themes.indexOf(theme()) + 1) % themes.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    document.cookie = `theme=${next}; path=/; max-age=${next ? 31536000 : 0}; samesite=lax`;
    nameTheme(button);
  };

  const showHelpers = () => {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-names]");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.copy) copy(button);
    else switchTheme(button);
  });
  // One press is one request; the server's idempotency key guards the rest.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // On a phone a row of tabs is wider than the screen: the page's own is always in sight.
  const showOwnTab = () => {
    for (const tab of document.querySelectorAll(".tabs > [aria-current]")) {
      const row = tab.parentElement;
      row.scrollLeft += tab.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - tab.offsetWidth) / 2;
    }
  };

  learnServerTime(pageLoadedAt);
  document.querySelectorAll("[data-names]").forEach(nameTheme);
  document.querySelector(".error-summary")?.focus();
  showHelpers();
  showOwnTab();
  tick();
  setInterval(tick, 1000);
})();
