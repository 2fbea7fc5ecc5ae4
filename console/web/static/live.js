// Keeps a page new: the server renders, and news only make the page ask again, at most once in a second and not under
// somebody's hands. Where nothing can be asked, the page says since when it may be old, and tries on.
import { inUse } from "./sending.js";

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const state = document.getElementById("state");
const stale = document.getElementById("stale");
const GRACE = 5000;
const AGAIN = 3000;
const NEWS_S = 10; // what comes without news: who was told, and executions that are kept
let heard = new Date();
let begin = () => {};
let asking = null;
let late = null;

function isLive() {
  heard = new Date();
  clearTimeout(late);
  late = null;
  stale.hidden = true;
  state.textContent = "Live.";
}

// A stream that ends is begun anew at once, so that not every end is worth a word.
function isLost(grace) {
  late ??= setTimeout(() => {
    stale.textContent = `Not live since ${clock.format(heard)}: what is shown may be old. Trying again …`;
    stale.hidden = false;
    state.textContent = "Not live.";
  }, grace);
}

// Who has the keyboard on a link, or has chosen some text, keeps it: of what is alike, the same one of them.
const sameOf = (one) => `${one.tagName}[${one.id ? `id="${CSS.escape(one.id)}"` : one.hasAttribute("href") ? `href="${CSS.escape(one.getAttribute("href"))}"` : one.dataset.path ? `data-path="${CSS.escape(one.dataset.path)}"` : "tabindex"}]`;

function placeOf(main) {
  const one = document.activeElement;
  if (!one || !main.contains(one)) return () => {};
  const like = one.tagName === "SUMMARY" ? "summary" : sameOf(one);
  const number = [...main.querySelectorAll(like)].indexOf(one);
  return (fresh) => fresh.querySelectorAll(like)[number]?.focus({ preventScroll: true });
}

const isChosen = (main) => {
  const chosen = document.getSelection();
  return chosen && !chosen.isCollapsed && main.contains(chosen.anchorNode);
};

async function renew() {
  asking = null;
  const main = document.querySelector("main");
  if (inUse(main) || isChosen(main)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) location.assign(answer.url);
    if (answer.status >= 500) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (inUse(main) || isChosen(main)) return;
    const refocus = placeOf(main);
    const scrolled = [...main.querySelectorAll(".wide")].map((part) => [part.scrollLeft, part.scrollTop]);
    const opened = [...main.querySelectorAll("details[open][id]")].map((details) => details.id);
    const made = fresh.querySelector("main");
    main.replaceWith(made);
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    const asOf = fresh.getElementById("as-of");
    if (asOf) document.getElementById("as-of")?.replaceWith(asOf);
    begin();
    for (const [number, part] of made.querySelectorAll(".wide").entries()) [part.scrollLeft, part.scrollTop] = scrolled[number] ?? [0, 0];
    refocus(made);
    isLive();
  } catch {
    isLost(0);
  }
}

function refresh() {
  asking ??= setTimeout(renew, 1000);
}

function listen() {
  const events = new EventSource("/api/v1/stream");
  events.addEventListener("open", () => {
    const was = late !== null || !stale.hidden;
    isLive();
    if (was) refresh();
  });
  events.addEventListener("error", () => {
    isLost(GRACE);
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
  });
  for (const kind of ["anomaly", "incident"]) events.addEventListener(kind, refresh);
}

// Keeps the page new by what its body asks for: "news", or every so many seconds; `started` is called for what is new.
export function live(started) {
  begin = started;
  const how = document.body.dataset.live;
  if (!how) return;
  if (how === "news") listen();
  setInterval(refresh, 1000 * (Number(how) || NEWS_S));
}
