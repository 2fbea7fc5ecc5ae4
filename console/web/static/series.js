// Draws each series of a page from the table that stands below it: lines, and the band where the first usually lies.
// A cursor reads the values in words, by mouse, by touch and by the arrow keys.
const HEIGHT = 168;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const wideGap = 2 * 86400;

function read(figure) {
  const heads = [...figure.querySelectorAll("thead th")].slice(1);
  const rows = [...figure.querySelectorAll("tbody tr")];
  const times = rows.map((row) => new Date(row.querySelector("time").dateTime).getTime() / 1000);
  const columns = heads.map((_, number) => rows.map((row) => {
    const value = row.cells[number + 1].dataset.value;
    return value === undefined ? null : Number(value);
  }));
  const banded = heads.findIndex((head) => "band" in head.dataset);
  const lines = banded < 0 ? heads.length : banded;
  const texts = rows.map((row) => [...row.cells].slice(1).map((cell) => cell.textContent));
  return { names: heads.map((head) => head.textContent), times, columns, lines, texts };
}

function short(value, unit) {
  if (unit === "share") return `${Number((value * 100).toPrecision(3))} %`;
  if (unit !== "ms") return value >= 10000 ? `${Number((value / 1000).toPrecision(3))} k` : String(Number(value.toPrecision(3)));
  return value >= 1000 ? `${Number((value / 1000).toPrecision(3))} s` : `${Number(value.toPrecision(3))} ms`;
}

function words(data, index, unit) {
  const lines = data.names.slice(0, data.lines).map((name, number) => `${name}: ${data.texts[index][number] || "nothing"}`);
  const [low, high] = data.texts[index].slice(data.lines);
  if (low) lines.push(`usually ${low} to ${high}`);
  return `${whole.format(new Date(data.times[index] * 1000))}. ${lines.join(", ")}.`;
}

function options(figure, data, unit, width, paint) {
  const ink = (name) => paint.getPropertyValue(name).trim();
  const spanned = data.times.at(-1) - data.times[0];
  const axis = { stroke: ink("--aside"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
  const inks = ["--bar", "--major"];
  const series = [{}, ...data.names.map((name, number) => number < data.lines
    ? { label: name, stroke: ink(inks[number]), width: 1.5, dash: number ? [4, 3] : undefined, points: { show: false }, spanGaps: false }
    : { label: name, stroke: "transparent", points: { show: false } })];
  const band = data.lines < data.names.length ? [{ series: [data.lines + 2, data.lines + 1], fill: ink("--range") }] : [];
  const marked = (figure.dataset.marked ?? "").split(" ").filter(Boolean).map((at) => new Date(at).getTime() / 1000);
  return {
    width, height: HEIGHT, padding: [8, 28, 0, 0], series, bands: band, legend: { show: false },
    cursor: { sync: { key: "series" }, y: false, points: { size: 7 } },
    // A moment that is marked may lie within the last step, whose begin is the last time there is.
    scales: { x: { range: (_, low, high) => [Math.min(low, ...marked), Math.max(high, ...marked)] }, y: { range: (_, __, top) => [0, top > 0 ? top * 1.05 : 1] } },
    axes: [
      { ...axis, values: (_, at) => at.map((one) => (spanned > wideGap ? day : clock).format(new Date(one * 1000))), space: 64 },
      { ...axis, values: (_, at) => at.map((one) => short(one, unit)), size: 64 },
    ],
    hooks: {
      draw: [(plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.strokeStyle = ink("--critical");
        ctx.lineWidth = 2;
        ctx.setLineDash([]);
        for (const at of marked) {
          const x = Math.round(plot.valToPos(at, "x", true));
          if (x < bbox.left || x > bbox.left + bbox.width) continue;
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
        ctx.restore();
      }],
      setCursor: [(plot) => {
        const index = plot.cursor.idx;
        figure.querySelector(".readout").textContent = index == null ? rest(data) : words(data, index, unit);
      }],
    },
  };
}

const rest = (data) => words(data, data.times.length - 1);

function walk(plot, data, pressed) {
  const last = data.times.length - 1;
  const here = plot.cursor.idx ?? last;
  const wanted = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last }[pressed.key];
  if (wanted === undefined) return;
  pressed.preventDefault();
  const index = Math.max(0, Math.min(last, wanted));
  plot.setCursor({ left: plot.valToPos(data.times[index], "x"), top: 0 });
}

function draw(uPlot, figure) {
  const place = figure.querySelector(".plot");
  if (!place) return;
  const data = read(figure);
  const paint = getComputedStyle(document.documentElement);
  const made = options(figure, data, figure.dataset.unit, place.clientWidth, paint);
  place.replaceChildren();
  place.tabIndex = 0;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", `${figure.querySelector("figcaption").textContent}. Arrow keys read the values; they are also in the table below.`);
  const plot = new uPlot(made, [data.times, ...data.columns], place);
  figure.querySelector(".readout").textContent = rest(data);
  place.onkeydown = (pressed) => walk(plot, data, pressed);
  watch.observe(place);
  plots.set(place, plot);
}

const plots = new Map();
const watch = new ResizeObserver((changed) => {
  for (const { target } of changed) plots.get(target)?.setSize({ width: target.clientWidth, height: HEIGHT });
});

async function begin() {
  const figures = document.querySelectorAll("figure.series");
  for (const plot of plots.values()) plot.destroy();
  plots.clear();
  try {
    const { default: uPlot } = await import("./uplot/uPlot.esm.js");
    for (const figure of figures) draw(uPlot, figure);
  } catch {
    for (const details of document.querySelectorAll("figure.series details")) details.open = true;
    for (const readout of document.querySelectorAll("figure.series .readout")) readout.textContent = "The chart cannot be drawn here; the table has its values.";
  }
}

document.addEventListener("shown", begin);
for (const how of ["(prefers-color-scheme: dark)", "print"]) matchMedia(how).addEventListener("change", begin);
begin();
