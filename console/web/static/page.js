// What all pages do: times in the viewer's zone, news as they come, verdicts with their preview, signing out.
import { live } from "./live.js";
import { actions, sent } from "./sending.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const today = moment.toDateString() === new Date().toDateString();
    time.textContent = (today ? clock : whole).format(moment);
    time.title = time.dateTime;
  }
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
              preview.dataset.said = Date.now();
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
  document.dispatchEvent(new Event("shown"));
}

document.getElementById("zone").textContent = zone;
document.getElementById("sign-out")?.addEventListener("click", async () => {
  await fetch("/api/v1/session", { method: "DELETE" });
  location.assign("/ui/sign-in");
});
// The menu closes as menus do: by a press elsewhere, and by Escape.
const more = document.getElementById("more");
document.addEventListener("click", (pressed) => { if (more && !more.contains(pressed.target)) more.open = false; });
more?.addEventListener("keydown", (pressed) => {
  if (pressed.key !== "Escape" || !more.open) return;
  more.open = false;
  more.querySelector("summary").focus();
});
begin();
live(begin);
