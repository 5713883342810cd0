// A note is told once: a reload of the page shall not tell it again.
const here = new URL(location.href);
if (here.searchParams.has("note")) {
  here.searchParams.delete("note");
  history.replaceState(null, "", here);
}
