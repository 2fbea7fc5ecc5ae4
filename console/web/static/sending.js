// Forms and buttons that send JSON to the API, and say beside themselves what became of it.
export async function sent(method, path, content) {
  const answer = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: content === undefined ? undefined : JSON.stringify(content),
  });
  if (answer.status === 401) location.assign(`/ui/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  const told = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

const KINDS = {
  number: (field) => Number(field.value),
  numbers: (field) => field.value.split(/[,;\s]+/).filter(Boolean).map(Number),
  "minutes-from-now": (field) => new Date(Date.now() + 60_000 * Number(field.value)).toISOString(),
};

function contentOf(form) {
  const content = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.dataset.kind === "many") {
      content[field.name] ??= [];
      if (field.checked) content[field.name].push(field.value);
    } else if (field.dataset.within) {
      content[field.dataset.within] ??= {};
      if (field.value.trim() !== "") content[field.dataset.within][field.name] = KINDS[field.dataset.kind](field);
    } else if (field.type === "checkbox") content[field.name] = field.checked;
    else if (field.dataset.kind && field.value !== "") content[field.name] = KINDS[field.dataset.kind](field);
    else if (!field.dataset.kind && (field.value !== "" || field.dataset.empty !== "left-out")) content[field.name] = field.value;
  }
  return content;
}

// What came of it, where that is more than that it was done.
const TOLD = {
  trial: (answer) => answer.delivered ? "It has taken the test." : `It has not taken the test: ${answer.reason}`,
  resent: (answer) => `Kafka has ${answer.sent} of them again.`,
  key: (answer) => `The key, which is shown this once: ${answer.key}`,
};

async function send(source, content) {
  const told = source.closest(".action").querySelector(".told");
  told.dataset.said = Date.now();
  told.textContent = "Sending …";
  try {
    const answer = await sent(source.dataset.send, source.dataset.path, content);
    told.textContent = source.dataset.told ? TOLD[source.dataset.told](answer) : source.dataset.done;
    if (source.dataset.goto) location.assign(source.dataset.goto.replace("{id}", encodeURIComponent(answer.id ?? "")));
  } catch (error) {
    told.textContent = error.message;
  }
  told.dataset.said = Date.now();
}

// What cannot be undone is asked for twice: the first press says what the second one does.
function sure(button) {
  if (!button.dataset.sure || button.dataset.asked) return true;
  button.dataset.asked = button.textContent;
  button.textContent = button.dataset.sure;
  setTimeout(() => {
    button.textContent = button.dataset.asked;
    delete button.dataset.asked;
  }, 6000);
  return false;
}

export function actions(within) {
  for (const form of within.querySelectorAll("form[data-send]")) {
    form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      send(form, contentOf(form));
    });
  }
  for (const button of within.querySelectorAll("button[data-send]")) {
    button.addEventListener("click", () => {
      if (sure(button)) send(button, button.dataset.content ? JSON.parse(button.dataset.content) : undefined);
    });
  }
}

// What was said stays for that long, though the page be new.
const READ = 6000;

// Whether somebody is at work in a part of the page, which must not be replaced under their hands.
export function inUse(within) {
  const said = [...within.querySelectorAll("[data-said]")].some((one) => Date.now() - one.dataset.said < READ);
  return said || within.querySelector(".preview button, [data-asked]") !== null
    || document.activeElement?.closest("main form") != null;
}
