// An ordered list that is moved with buttons; without script the places are chosen from the selects.
for (const list of document.querySelectorAll("[data-order]")) {
  const told = list.parentElement.querySelector("[data-order-told]");

  const number = () => {
    const items = [...list.children];
    items.forEach((item, at) => {
      item.querySelector("select").value = String(at + 1);
      const [up, down] = item.querySelectorAll("[data-order-move]");
      up.disabled = at === 0;
      down.disabled = at === items.length - 1;
    });
  };

  const move = (button) => {
    const item = button.closest("li");
    const after = button.dataset.orderMove === "1";
    const other = after ? item.nextElementSibling : item.previousElementSibling;
    if (!other) return;
    if (after) other.after(item);
    else other.before(item);
    number();
    const place = [...list.children].indexOf(item) + 1;
    told.textContent = `${item.querySelector("[data-order-name]").textContent}: place ${place}`;
    (button.disabled ? item.querySelector("[data-order-move]:not([disabled])") : button).focus();
  };

  for (const item of list.children) item.querySelector("select").hidden = true;
  for (const button of list.querySelectorAll("[data-order-move]")) {
    button.hidden = false;
    button.addEventListener("click", () => move(button));
  }
  number();
}
