// The navigation behind a button where the screen is narrow; without script it is always open.
const button = document.querySelector("[data-menu]");
const nav = document.querySelector("#nav");

function open(isOpen) {
  button.setAttribute("aria-expanded", String(isOpen));
  nav.classList.toggle("is-open", isOpen);
}

if (button && nav) {
  button.hidden = false;
  nav.classList.add("is-menu");
  button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !nav.classList.contains("is-open")) return;
    open(false);
    button.focus();
  });
}
