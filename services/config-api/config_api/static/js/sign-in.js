// The sign-in link carries the token behind a "#", which browsers never send: put it into the form and send that.
function enter() {
  const token = location.hash.slice(1);
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  document.querySelector("#secret").value = decodeURIComponent(token);
  document.querySelector("#sign-in").requestSubmit();
}

addEventListener("hashchange", enter);
enter();
