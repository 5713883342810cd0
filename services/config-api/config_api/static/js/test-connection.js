// Test Connection without leaving the form: sends it where the button would, and takes the result out of the page.
const form = document.querySelector("#mailbox-form");
const button = form.querySelector("[data-test-connection]");

async function answered() {
  const answer = await fetch(button.formAction, { method: "POST", body: new FormData(form) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const folders = page.querySelector("#folder-choices");
  if (folders) form.querySelector("#folder-choices").replaceWith(document.adoptNode(folders));
  for (const name of ["name", "host", "port", "security"]) understood(name, page.querySelector(`#mailbox-form [name=${name}]`));
  document.querySelector("#not-saved")?.remove(); // it was about what was sent before
  return page.querySelector("#test-result") ?? failure(page.querySelector(".lead")?.textContent);
}

// What was pasted as server is shown as it was understood: name, port and encryption apart.
function understood(name, theirs) {
  if (theirs) form.elements[name].value = theirs.value;
}

function failure(text) {
  const note = document.createElement("div");
  note.className = "notice notice-bad";
  note.textContent = text ?? "The test did not come back. Is DMARQ still running? Try again in a moment.";
  return result(note);
}

function result(...children) {
  const box = document.createElement("div");
  Object.assign(box, { id: "test-result", tabIndex: -1 });
  box.setAttribute("role", "status");
  box.append(...children);
  return box;
}

function show(fresh) {
  form.querySelector("#test-result").replaceChildren(...fresh.childNodes);
  form.querySelector("#test-result").scrollIntoView({ block: "nearest" });
  form.dispatchEvent(new Event("change"));
}

// "Trust this certificate" fills in its fingerprint and tests again; nothing is saved by that.
form.addEventListener("click", (event) => {
  const trust = event.target.closest("[data-trust]");
  if (!trust) return;
  event.preventDefault();
  form.elements.pinned_certificate.value = trust.value;
  form.querySelector("#advanced").open = true;
  button.click();
});

// Somebody who has just signed in with the provider is told at once whether the mail server agrees.
if ("testNow" in button.dataset) queueMicrotask(() => button.click());

button.addEventListener("click", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  const note = document.createElement("p");
  note.className = "notice";
  note.textContent = "Testing the connection…";
  show(result(note));
  show(await answered().catch(() => failure()));
  button.disabled = false;
});
