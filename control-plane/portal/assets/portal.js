// What pages gain with JavaScript; none needs it.
"use strict";

// A button beside every text that is marked for copying: <span class="secret"><code data-copy>…</code></span>
for (const text of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.script = "";
  button.className = "button secondary small";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${text.dataset.copy || "this"}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent.trim());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  (text.closest(".code")?.querySelector(".row") ?? text.parentElement).append(button);
}

// Forms that change something for good ask once more: <form data-confirm="Delete this application?">
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// Forms whose choice is the answer: <form data-auto>; without script there is a button.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.addEventListener("change", () => form.requestSubmit());
  form.querySelector("[data-auto-button]")?.classList.add("visually-hidden");
}
