// A message card over the canvas.

let count = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button({ label, act }) {
  const made = element("button", "", label);
  made.type = "button";
  made.addEventListener("click", async () => {
    const changed = await act();
    if (typeof changed === "string") made.textContent = changed;
  });
  return made;
}

/**
 * Shows a failure in `frame`, replaces the current card, and returns the card's element. `focus` is
 * true when the first button takes the focus, as in a page that is nothing but the display.
 */
export function showCard(frame, failure, actions, { focus }) {
  frame.querySelectorAll(":scope > .mb-card").forEach((card) => card.remove());
  const id = `mb-card-${(count += 1)}`;
  const card = element("section", "mb-card");
  card.dataset.tone = failure.tone;
  card.setAttribute("role", failure.passing ? "status" : "alertdialog");
  card.setAttribute("aria-labelledby", `${id}-title`);
  card.setAttribute("aria-describedby", `${id}-text`);
  const title = element("h2", "", failure.title);
  title.id = `${id}-title`;
  const text = element("div");
  text.id = `${id}-text`;
  text.append(...failure.text.map((paragraph) => element("p", "", paragraph)));
  card.append(title, text);
  if (failure.detail) {
    const detail = element("p", "mb-detail", failure.detail);
    // A long text scrolls, so the keyboard must be able to reach it.
    detail.tabIndex = 0;
    card.append(detail);
  }
  const row = element("div", "mb-actions");
  row.append(...actions.map(button));
  card.append(row);
  frame.append(card);
  // The message is read first, so the focus must not scroll the card to its buttons.
  if (focus && !failure.passing) row.querySelector("button")?.focus({ preventScroll: true });
  return card;
}
