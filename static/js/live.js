/* A page that is told when something has changed fetches itself again, and takes over the parts that are new.
   Without this the next load shows the same. */
(() => {
  "use strict";

  const place = document.querySelector("[data-live]");
  let source = null;
  let asking = false;
  let again = false;
  let behind = false;

  /* What somebody is typing into, or has the focus in, is left as it is until they go on. */
  const inUse = (part) =>
    part.contains(document.activeElement) ||
    [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.value !== field.defaultValue);

  const take = (page) => {
    behind = false;
    for (const old of document.querySelectorAll("[data-fresh]")) {
      const fresh = page.getElementById(old.id);
      if (!fresh) continue;
      const folds = [...old.querySelectorAll("details")].map((fold) => fold.open);
      fresh.querySelectorAll("details").forEach((fold, number) => (fold.open = folds[number] ?? fold.open));
      if (fresh.isEqualNode(old)) continue;
      if (inUse(old)) behind = true;
      else old.replaceWith(document.adoptNode(fresh));
    }
  };

  /* Without the head: its styles carry the nonce of another answer, and the browser would complain. */
  const parsed = (text) => new DOMParser().parseFromString(text.slice(text.indexOf("<body")), "text/html");

  const look = async () => {
    again = asking;
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(location.href);
      if (answer.ok && !answer.redirected) take(parsed(await answer.text()));
    } catch {
      /* The network is away: the stream begins again with it, and says so. */
    }
    asking = false;
    if (again) look();
  };

  /* A browser has few connections to one place: only the tab that is looked at holds one. */
  const hear = () => {
    source?.close();
    source = null;
    if (document.hidden) return;
    source = new EventSource(place.dataset.live);
    source.addEventListener("changed", look);
    /* There will be no news: the end may have come between this page and its question. */
    source.addEventListener("error", (event) => event.target.readyState === EventSource.CLOSED && look());
  };

  if (!place) return;
  document.addEventListener("visibilitychange", hear);
  document.addEventListener("focusout", () => setTimeout(() => behind && look()));
  hear();
})();
