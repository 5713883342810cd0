// Files are sent one after the other to the API; each has a line that tells how it goes and what became of it.
import { localise } from "./times.js";

const form = document.querySelector("[data-upload]");
const list = document.querySelector("#uploaded");
const chosen = form.querySelector("input[type=file]");
const token = form.elements.csrf_token.value;
const ASK_EVERY_MS = 700;
const ASK_AT_MOST = 120;
const waiting = [];
let sending = false;

function line(file) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  const told = document.createElement("div");
  name.className = "wrap";
  name.textContent = file.name;
  told.textContent = "Waiting";
  told.className = "soft";
  item.append(name, told);
  list.append(item);
  return { tell: (text, tone = "soft") => { told.className = tone; told.textContent = text; },
    show: (content) => { told.className = ""; told.replaceChildren(...content); localise(told); } };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function problem(answer) {
  const told = await answer.json().catch(() => ({}));
  return [told.title, told.detail].filter(Boolean).join(": ") || "The file was not taken.";
}

async function outcome(mailId, shown) {
  for (let times = 0; times < ASK_AT_MOST; times += 1) {
    const answer = await fetch(`/upload/outcome/${mailId}`).catch(() => null);
    if (answer?.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return shown.show([...page.body.childNodes]);
    }
    shown.tell("Sent; it is being read…");
    await wait(ASK_EVERY_MS);
  }
  shown.tell("Sent, but nothing was heard of it yet. Look under Emails in a while.");
}

async function send({ file, shown }) {
  shown.tell("Sending…");
  const address = `/api/v1/imports?name=${encodeURIComponent(file.name.slice(0, 200))}`;
  const headers = { "X-CSRF-Token": token, "Content-Type": "application/octet-stream" };
  const answer = await fetch(address, { method: "POST", body: file, headers }).catch(() => null);
  if (!answer) return shown.tell("The connection was lost. Choose the file again.", "bad");
  if (!answer.ok) return shown.tell(await problem(answer), "bad");
  outcome((await answer.json()).mail_id, shown);
}

async function take(files) {
  for (const file of files) waiting.push({ file, shown: line(file) });
  list.closest("[hidden]")?.removeAttribute("hidden");
  if (sending) return;
  sending = true;
  while (waiting.length) await send(waiting.shift());
  sending = false;
}

chosen.addEventListener("change", () => { take(chosen.files); chosen.value = ""; });
form.addEventListener("submit", (event) => event.preventDefault());
for (const name of ["dragover", "dragenter"]) {
  form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("is-over"); });
}
form.addEventListener("dragleave", () => form.classList.remove("is-over"));
form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("is-over");
  take(event.dataTransfer.files);
});
