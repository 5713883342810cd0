// The sign-in link carries its code behind a "#", which browsers never send: put it into the form and send that.
function enter() {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  document.querySelector("#secret").value = decodeURIComponent(code);
  document.querySelector("#sign-in").requestSubmit();
}

addEventListener("hashchange", enter);
enter();
