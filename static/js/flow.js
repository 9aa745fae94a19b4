/* Comfort for the shopper's flow. Every page works without it; nothing here decides anything. */
(() => {
  "use strict";

  const main = document.querySelector("main");
  const say = document.getElementById("say");
  let tick = 0;
  let waiting = null;
  let source = null;

  const step = () => document.getElementById("step");

  /* A new step: its title, its summary of errors or its heading takes the focus, and its helpers start. */
  const arrived = () => {
    const title = step().querySelector("h1");
    document.title = `${title.textContent.trim()} · ${step().dataset.shop || "Kolme"}`;
    const target = step().querySelector("[data-focus]") || title;
    scrollTo(0, 0);
    target.focus({ preventScroll: target === title });
    prepare();
  };

  const prepare = () => {
    clearInterval(tick);
    waiting?.abort();
    countDown();
    listenForCode();
    step().querySelector("form[data-go]")?.requestSubmit();
    const leave = step().querySelector("a[data-go]");
    if (leave) location.replace(leave.href);
    more();
    hear();
    document.dispatchEvent(new Event("kolme:step"));
  };

  /* While the shop may still change the order, this page is told so, and asks what became of it. Only while it is
     looked at: a browser has few connections to one place, and hidden tabs would use them up. */
  const hear = () => {
    const url = document.hidden ? "" : step().dataset.live || "";
    if (source && (!url || source.readyState === EventSource.CLOSED)) {
      source.close();
      source = null;
    }
    if (!url || source) return;
    source = new EventSource(url);
    source.addEventListener("changed", ask);
    /* There will be no news: the end may have come between this page and its question. */
    source.addEventListener("error", (event) => event.target.readyState === EventSource.CLOSED && ask());
  };
  const ask = () => {
    const { live, ask: url, page } = step().dataset;
    if (live) htmx.ajax("GET", `${url}&page=${page}`, { source: step(), target: "#step", swap: "outerHTML" });
  };
  document.addEventListener("visibilitychange", hear);

  /* A page on which something was typed does not change under the hand: it only says so. */
  const typedInto = () =>
    [...step().querySelectorAll("input:not([type=hidden]):not([type=radio]), textarea")].some((field) => field.value !== field.defaultValue);

  /* A step that needs another file names it, and only then it is fetched. */
  const more = () => {
    const wanted = step().querySelector("[data-script]")?.dataset;
    if (!wanted || document.querySelector(`script[src="${wanted.script}"]`)) return;
    const script = document.createElement("script");
    script.src = wanted.script;
    script.integrity = wanted.integrity;
    document.head.append(script);
  };

  /* How long until a new code may be asked for. Only told: the server is the one who counts. */
  const countDown = () => {
    const button = step().querySelector("[data-wait]");
    if (!button) return;
    const left = button.querySelector("[data-left]");
    const end = performance.now() + 1000 * button.dataset.wait;
    const show = () => {
      const seconds = Math.ceil((end - performance.now()) / 1000);
      const over = seconds <= 0;
      const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      left.textContent = over ? "" : ` (${left.dataset.left.replace("#", clock)})`;
      if (over) clearInterval(tick);
    };
    tick = setInterval(show, 500);
    show();
  };

  /* The phone reads the message itself, where it can. */
  const listenForCode = () => {
    const field = step().querySelector("[autocomplete=one-time-code]");
    if (!field || !("OTPCredential" in window)) return;
    waiting = new AbortController();
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: waiting.signal })
      .then((message) => {
        field.value = message.code;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      })
      .catch(() => {});
  };

  document.addEventListener("input", ({ target }) => {
    if (target.autocomplete !== "one-time-code") return;
    /* Digits of any script: the server reads them all. */
    const typed = [...target.value.normalize("NFKC").replace(/[^\p{Nd}]/gu, "")].slice(0, 6);
    const digits = typed.join("");
    if (target.value !== digits) target.value = digits;
    if (typed.length === 6 && target.dataset.sent !== digits) {
      target.dataset.sent = digits;
      target.form.requestSubmit();
    }
  });

  /* Months and monthly amount name the same terms in the same order: the other one follows at once. */
  document.addEventListener("change", ({ target }) => {
    const twin = target.dataset.twin && document.getElementById(target.dataset.twin);
    if (twin) twin.selectedIndex = target.selectedIndex;
  }, true);

  /* A second tap does nothing while the first one is on its way. The server keeps the promise, this keeps the calm. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const { submitter } = event;
    if (form.dataset.busy) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.busy = "1";
    (submitter || form.querySelector("button"))?.setAttribute("aria-busy", "true");
  }, true);

  const rest = () => {
    for (const form of document.querySelectorAll("form[data-busy]")) delete form.dataset.busy;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  };

  const tell = (text) => {
    say.textContent = "";
    say.textContent = text;
    say.classList.add("shown");
  };

  /* Names of the events of htmx 4 and of htmx 2. The network failed: nothing was swapped, the page can be used again. */
  for (const name of ["htmx:finally:request", "htmx:afterRequest"]) document.addEventListener(name, rest);
  for (const name of ["htmx:error", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, () => {
      rest();
      tell(say.dataset.offline);
    });
  }

  /* A page that asks by itself is only replaced once it has changed, and not by a failure; one that has gone on meanwhile
     has no use for the answer. */
  const stays = (asking, status, text) => {
    if (asking.id === "step") return goesOn(asking) || status >= 500 || status === 204 || tellInstead();
    return asking.matches("[hx-trigger^=every]") && (status >= 400 || text.includes(`data-page="${step().dataset.page}"`));
  };
  const goesOn = (asking) => asking !== step() || step().querySelector('[aria-busy="true"]') !== null;
  const tellInstead = () => {
    if (!typedInto()) return false;
    if (step().dataset.news) tell(step().dataset.news);
    return true;
  };
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (stays(ctx.sourceElement, ctx.response.status, ctx.text)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, requestConfig, xhr } = event.detail;
    if (stays(requestConfig?.elt || elt, xhr.status, xhr.responseText)) event.detail.shouldSwap = false;
  });

  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    if (added.some((node) => node.id === "step")) {
      say.classList.remove("shown");
      say.textContent = "";
      arrived();
      return;
    }
    /* What was chosen beside the way to pay changes the sum. */
    const chosen = added.find((node) => node.id === "chosen");
    if (chosen) say.textContent = chosen.dataset.say;
    const figures = added.find((node) => node.id === "figures");
    if (!figures) return;
    const months = document.getElementById("months");
    const monthly = document.getElementById(months.dataset.twin);
    months.value = figures.dataset.months;
    monthly.selectedIndex = months.selectedIndex;
    say.textContent = figures.dataset.say;
  }).observe(main, { childList: true, subtree: true });

  /* A page out of the back cache may show what is over. */
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  step().querySelector("[data-focus]")?.focus();
  prepare();
})();
