/* Passkeys: what the browser asks the device for, between two requests of ours. It decides nothing. Where it does not
   run, or the browser has no passkeys, none of their buttons is ever seen. */
(() => {
  "use strict";

  if (!window.PublicKeyCredential) return;

  /* A challenge lives five minutes. A quiet question, which may wait long for its answer, is asked anew before that. */
  const RENEW_MS = 4 * 60_000;
  const RENEWALS = 6;

  let asking = null;
  let renewal = 0;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const question = (json) => ({
    ...json,
    challenge: bytes(json.challenge),
    ...(json.user && { user: { ...json.user, id: bytes(json.user.id) } }),
    ...(json.excludeCredentials && { excludeCredentials: json.excludeCredentials.map((one) => ({ ...one, id: bytes(one.id) })) }),
    ...(json.allowCredentials && { allowCredentials: json.allowCredentials.map((one) => ({ ...one, id: bytes(one.id) })) }),
  });

  const answer = ({ id, rawId, type, authenticatorAttachment, response }) => {
    const parts = {};
    for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
      if (response[name]) parts[name] = text(response[name]);
    }
    return JSON.stringify({ id, rawId: text(rawId), type, authenticatorAttachment, response: parts });
  };

  const fetched = async (place) => {
    const reply = await fetch(place.dataset.ask, { method: "POST", body: new URLSearchParams() });
    if (!reply.ok) throw new Error("no question");
    return question(await reply.json());
  };

  const tell = (place, words) => {
    place.querySelector("[role=status]").textContent = words;
  };

  const stop = () => {
    asking?.abort();
    clearTimeout(renewal);
  };

  /* Ask the device, and post what it says as any other form of the flow. */
  const run = async (place, options, mediation) => {
    stop();
    asking = new AbortController();
    const { signal } = asking;
    const request = { publicKey: await options, signal };
    if (signal.aborted) return;
    const credential =
      place.dataset.passkey === "save"
        ? await navigator.credentials.create(request)
        : await navigator.credentials.get(mediation ? { ...request, mediation } : request);
    if (signal.aborted || !place.isConnected) return;
    const form = place.querySelector("form");
    form.elements.answer.value = answer(credential);
    form.requestSubmit();
  };

  /* The browser offers a passkey among what it would fill into the phone field. Nobody is asked anything. */
  const whisper = async (place, times) => {
    const field = document.querySelector("[autocomplete~=webauthn]");
    if (!field?.offsetParent || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    if (!place.isConnected) return;
    const heard = run(place, fetched(place), "conditional");
    if (times < RENEWALS) renewal = setTimeout(() => whisper(place, times + 1), RENEW_MS);
    await heard.catch(() => {});
  };

  const pressed = async (place) => {
    tell(place, "");
    const button = place.querySelector("a, button");
    button.setAttribute("aria-busy", "true");
    try {
      await run(place, fetched(place));
    } catch (error) {
      const { cancelled, failed, before } = place.dataset;
      if (error.name === "NotAllowedError") tell(place, cancelled);
      else if (error.name === "InvalidStateError" && before) tell(place, before);
      else if (error.name !== "AbortError") tell(place, failed);
    } finally {
      button.removeAttribute("aria-busy");
    }
  };

  const possible = (place) =>
    place.dataset.passkey === "use" || PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();

  const arrived = async () => {
    stop();
    const place = document.querySelector("#step [data-passkey]");
    if (!place || !(await possible(place))) return;
    place.hidden = false;
    place.querySelector("a, button").addEventListener("click", (event) => {
      event.preventDefault();
      pressed(place);
    });
    if (place.dataset.passkey === "use") whisper(place, 1);
  };

  document.addEventListener("kolme:step", arrived);
  arrived();
})();
