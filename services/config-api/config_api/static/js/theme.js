// The colour toggle without a round trip: the same cookie that the form would set.
const themes = ["system", "light", "dark"];
const form = document.querySelector("[data-theme-toggle]");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const root = document.documentElement;
  const next = themes[(themes.indexOf(root.dataset.theme ?? "system") + 1) % themes.length];
  if (next === "system") delete root.dataset.theme;
  else root.dataset.theme = next;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  form.querySelector("[data-theme-name]").textContent = next[0].toUpperCase() + next.slice(1);
});
