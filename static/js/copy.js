/* Copies what stands in a field. Without this file the button is hidden, and the field can be copied by hand. */
(() => {
  "use strict";

  const copied = async (field) => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      /* A page without TLS has no clipboard of its own; the old way still works there. */
      field.select();
      if (!document.execCommand("copy")) return false;
    }
    return true;
  };

  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    const said = document.getElementById("copy-said");
    const name = button.textContent;
    let back = 0;
    button.hidden = false;
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      if (!(await copied(field))) {
        field.focus();
        return;
      }
      clearTimeout(back);
      said.textContent = "";
      said.textContent = button.dataset.copied;
      button.textContent = button.dataset.copied;
      back = setTimeout(() => {
        button.textContent = name;
      }, 2000);
    });
  }
})();
