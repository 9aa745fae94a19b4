/* Comfort for the till. Every page works without it; nothing here decides anything. */
(() => {
  "use strict";

  const say = document.getElementById("say");
  const till = () => document.getElementById("till");

  /* While an order is open its page hears of every change, and stays awake. */
  let heard = null;
  let awake = null;
  let again = 0;
  const look = () => htmx.ajax("GET", location.pathname, { target: "#till", swap: "outerMorph" });
  const listen = () => {
    const url = till()?.dataset.live;
    if (heard && heard.url !== url) {
      heard.source.close();
      heard = null;
      awake?.release().catch(() => {});
      awake = null;
    }
    if (!url || heard) return;
    const source = new EventSource(url);
    source.addEventListener("changed", look);
    /* There will be no news: the end may have come between this page and its question. */
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && look());
    heard = { url, source };
    navigator.wakeLock?.request("screen").then((lock) => (awake = lock), () => {});
  };

  /* After five minutes the till code leads nowhere any more: the page says so without being asked. */
  const wait = () => {
    clearTimeout(again);
    const left = till()?.dataset.again;
    if (left) again = setTimeout(look, 1000 * left);
  };

  let outcome = till()?.dataset.outcome;
  const arrived = () => {
    const now = till()?.dataset.outcome;
    /* The cashier may look elsewhere: the phone in the hand says that the money is there. */
    if (now === "paid" && outcome === "open") navigator.vibrate?.(80);
    outcome = now;
    listen();
    wait();
  };

  /* A form that leads to another page is sent once; a product is added with every tap. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[hx-post]")) return;
    if (form.dataset.busy) {
      event.preventDefault();
      return;
    }
    form.dataset.busy = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  });

  /* A scanner types and presses Enter: the field is free for the next one at once. */
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    say?.classList.remove("shown");
    const field = document.getElementById("q");
    if (field && detail.ctx?.sourceElement?.matches("form[role=search]")) field.value = field.defaultValue;
    arrived();
  });
  for (const name of ["htmx:error", "htmx:timeout"]) {
    document.addEventListener(name, () => {
      if (!say) return;
      say.textContent = "";
      say.textContent = say.dataset.offline;
      say.classList.add("shown");
    });
  }

  /* A page out of the back cache may show a receipt that has changed. */
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  /* The sticker: printed, copied, or written to a tag where the browser can. */
  const told = document.querySelector("[data-nfc-said]");
  const reveal = (selector, possible, press) => {
    const button = document.querySelector(selector);
    if (!button || !possible) return;
    button.hidden = false;
    button.addEventListener("click", () => press(button));
  };
  reveal("[data-print]", true, () => print());
  reveal("[data-copy]", Boolean(navigator.clipboard), async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    told.textContent = button.dataset.done;
  });
  reveal("[data-nfc]", "NDEFReader" in window, async (button) => {
    told.textContent = button.dataset.hold;
    try {
      await new NDEFReader().write({ records: [{ recordType: "url", data: button.dataset.nfc }] });
      told.textContent = button.dataset.done;
    } catch {
      told.textContent = button.dataset.failed;
    }
  });
  if ("NDEFReader" in window) document.querySelector("[data-nfc-none]")?.setAttribute("hidden", "");

  document.querySelector("[data-focus]")?.focus();
  listen();
  wait();
})();
