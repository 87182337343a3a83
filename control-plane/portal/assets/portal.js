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

// Charts tell what is below the pointer. The numbers are those of the table beside each.
for (const figure of document.querySelectorAll("[data-chart]")) {
  const plot = figure.querySelector(".chart-plot");
  const box = plot?.parentElement;
  const rows = figure.querySelectorAll("tbody tr");
  if (!box || rows.length === 0) continue;
  const names = [...figure.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent);
  const swatches = figure.querySelectorAll(".legend .swatch");
  const readOut = document.createElement("div");
  const here = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  readOut.className = "read-out";
  readOut.hidden = true;
  here.setAttribute("class", "here");
  here.setAttribute("height", plot.getAttribute("height") - 26);
  here.setAttribute("width", `${100 / rows.length}%`);
  box.classList.add("chart-box");
  box.append(readOut);
  const part = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };
  const tell = (event) => {
    const area = plot.getBoundingClientRect();
    const at = Math.floor(((event.clientX - area.left) / area.width) * rows.length);
    const bucket = Math.min(Math.max(at, 0), rows.length - 1);
    const lines = [...rows[bucket].querySelectorAll("td")].map((cell, n) => {
      const line = document.createElement("div");
      const name = document.createElement("span");
      line.className = "row";
      if (swatches[n]) name.append(swatches[n].cloneNode());
      name.append(names[n]);
      line.append(name, part("b", cell.textContent));
      return line;
    });
    readOut.replaceChildren(part("strong", rows[bucket].querySelector("th").textContent), ...lines.reverse());
    readOut.hidden = false;
    here.setAttribute("x", `${(bucket * 100) / rows.length}%`);
    plot.append(here);
    const middle = area.left - box.getBoundingClientRect().left + (area.width * (bucket + 0.5)) / rows.length;
    const isLeft = middle > box.clientWidth / 2;
    readOut.style.left = isLeft ? "" : `${middle + 14}px`;
    readOut.style.right = isLeft ? `${box.clientWidth - middle + 14}px` : "";
  };
  plot.addEventListener("pointermove", tell);
  plot.addEventListener("pointerdown", tell);
  plot.addEventListener("pointerleave", () => { readOut.hidden = true; here.remove(); });
}
