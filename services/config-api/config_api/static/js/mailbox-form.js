// The settings form: shows what the chosen values need, and keeps the port in step with the encryption.
const form = document.querySelector("#mailbox-form");
const usualPorts = { tls: "993", starttls: "143", none: "143" };

function update() {
  for (const part of form.querySelectorAll("[data-shown-for]")) {
    const [name, value] = part.dataset.shownFor.split("=");
    part.hidden = form.elements[name].value !== value;
  }
  for (const part of form.querySelectorAll("[data-shown-unless]")) {
    part.hidden = form.elements[part.dataset.shownUnless].checked;
  }
}

form.elements.security.addEventListener("change", ({ target }) => {
  const port = form.elements.port;
  if (Object.values(usualPorts).includes(port.value)) port.value = usualPorts[target.value];
});
form.addEventListener("change", update);
update();
