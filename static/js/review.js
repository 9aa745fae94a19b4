/* Comfort for whoever reviews: the case is taken and kept, keys answer, seconds are counted. Every page works without it. */
(() => {
  "use strict";

  /* The case is ours while we look at it: a hidden tab lets the lease end, and takes it again when it is looked at. */
  const beat = () => {
    const holder = document.querySelector("#holder[data-beat]");
    if (holder && !document.hidden) holder.dispatchEvent(new Event("beat"));
  };
  const holder = document.querySelector("#holder[data-beat]");
  if (holder) {
    setInterval(beat, 1000 * holder.dataset.beat);
    document.addEventListener("visibilitychange", beat);
    /* Taken once htmx hears of it, which may be after the page has loaded; a holder that came by swap is ours already. */
    let taken = false;
    document.addEventListener("htmx:after:init", ({ target }) => {
      if (taken || target.id !== "holder") return;
      taken = true;
      beat();
    }, true);
  }

  /* How long an answer may still be taken back. The server is the one who counts. */
  for (const form of document.querySelectorAll("[data-undo]")) {
    const words = form.querySelector("[data-words]");
    const end = performance.now() + 1000 * form.dataset.undo;
    const show = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      if (left <= 0) {
        clearInterval(tick);
        const bar = form.parentElement;
        form.remove();
        if (!bar.childElementCount) bar.remove();
        return;
      }
      words.textContent = words.dataset.words.replace("#", left);
    };
    const tick = setInterval(show, 250);
    show();
  }

  const links = () => [...document.querySelectorAll("[data-list] th a")];
  const walk = (step) => {
    const all = links();
    if (!all.length) return false;
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };

  let group = null;
  const choose = (key) => {
    const wanted = document.querySelector(`[data-group="${key}"]`);
    if (!wanted) return false;
    group?.classList.remove("ready");
    group = wanted;
    group.classList.add("ready");
    group.querySelector("button").focus();
    return true;
  };

  const press = (key) => {
    const place = document.querySelector(`[data-key="${key}"]`);
    if (!place) return false;
    if (place.matches("a")) location.assign(place.href);
    else if (place.matches("textarea")) place.focus();
    else if (key === "u") place.click();
    else place.focus();
    return true;
  };

  const typing = (target) => target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { key, target } = event;
    if (key === "Escape") {
      group?.classList.remove("ready");
      group = null;
      if (target !== document.body) target.blur();
      return;
    }
    if (typing(target)) return;
    let done = false;
    if (/^[1-9]$/.test(key) && group) {
      const button = group.querySelectorAll("button")[key - 1];
      if (button) {
        button.click();
        done = true;
      }
    } else if (key === "j" || key === "k") done = press(key) || walk(key === "j" ? 1 : -1);
    else if (key === "a" || key === "d") done = choose(key) || press(key);
    else if (key === "n" || key === "u") done = press(key);
    if (done) event.preventDefault();
  });

  /* Two presses are one answer. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.busy) event.preventDefault();
    form.dataset.busy = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  document.querySelector(".wrong, .note.bad")?.scrollIntoView({ block: "center" });
})();
