// What all pages do: times in the viewer's zone, news as they come, verdicts with their preview, signing out.
import { actions, inUse, sent } from "./sending.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const state = document.getElementById("state");

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const today = moment.toDateString() === new Date().toDateString();
    time.textContent = (today ? clock : whole).format(moment);
    time.title = time.dateTime;
  }
}

// The server renders; news only make the page ask again, at most once in a second, and not under somebody's hands.
let asking = null;
function refresh() {
  asking ??= setTimeout(async () => {
    asking = null;
    if (inUse(document.querySelector("main"))) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = document.activeElement?.id;
      document.querySelector("main").replaceWith(fresh.querySelector("main"));
      document.querySelector("footer p time")?.replaceWith(fresh.querySelector("footer p time"));
      begin();
      if (focused) document.getElementById(focused)?.focus();
      state.textContent = "Live.";
    } catch {
      state.textContent = `Not live since ${clock.format(new Date())}: what is shown may be old.`;
    }
  }, 1000);
}

function live() {
  const how = document.body.dataset.live;
  if (!how) return;
  if (how === "poll") {
    setInterval(refresh, 3000);
    return;
  }
  const events = new EventSource("/api/v1/stream");
  events.addEventListener("open", () => { state.textContent = "Live."; });
  events.addEventListener("error", () => {
    state.textContent = `Not live since ${clock.format(new Date())}: what is shown may be old.`;
  });
  for (const kind of ["anomaly", "incident"]) events.addEventListener(kind, refresh);
  setInterval(refresh, 30000);
}

function verdicts() {
  for (const section of document.querySelectorAll(".verdicts")) {
    const preview = section.querySelector(".preview");
    for (const button of section.querySelectorAll("[data-judgement]")) {
      button.addEventListener("click", async () => {
        const verdict = { subject_id: section.dataset.subject, judgement: button.dataset.judgement };
        preview.replaceChildren();
        try {
          const told = await sent("POST", "/api/v1/feedback/preview", verdict);
          const say = document.createElement("p");
          say.textContent = told.sentence;
          const send = document.createElement("button");
          send.type = "button";
          send.textContent = `Say so: ${button.textContent.toLowerCase()}`;
          send.addEventListener("click", async () => {
            try {
              await sent("POST", "/api/v1/feedback", verdict);
              preview.textContent = "Said. The models learn it within seconds.";
            } catch (error) {
              preview.textContent = error.message;
            }
          });
          preview.append(say, send);
        } catch (error) {
          preview.textContent = error.message;
        }
      });
    }
  }
}

function begin() {
  localTimes(document);
  verdicts();
  actions(document.querySelector("main"));
}

document.getElementById("zone").textContent = zone;
document.getElementById("sign-out")?.addEventListener("click", async () => {
  await fetch("/api/v1/session", { method: "DELETE" });
  location.assign("/ui/sign-in");
});
begin();
live();
