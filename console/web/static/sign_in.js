// Signs in by a key, and goes back to where the visitor wanted to be: only ever to a page of this console.
const form = document.getElementById("sign-in");
form.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const said = document.getElementById("said");
  said.textContent = "";
  try {
    const answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key: form.elements.key.value.trim() }),
    });
    if (!answer.ok) throw new Error((await answer.json()).detail);
  } catch (error) {
    said.textContent = error.message;
    return;
  }
  const wanted = new URL(new URLSearchParams(location.search).get("next") ?? "/ui/", location.origin);
  location.assign(wanted.origin === location.origin && wanted.pathname.startsWith("/ui/") ? wanted : "/ui/");
});
