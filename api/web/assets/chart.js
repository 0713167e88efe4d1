// A chart of values that change with time.
import { html, useEffect, useRef } from "./vendor/ui.js";
import { language, number, scheme } from "./state.js";

const shortest = 60; // s that a chart shows at least
const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat(); // between the lines of counts

let styled = false;

// addStyle loads the style sheet of the library once.
function addStyle() {
  if (styled) return;
  styled = true;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("./vendor/uplot.css", import.meta.url).href;
  document.head.append(link);
}

// colour returns a colour of the style sheet, as it is in the current scheme.
const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// spanOf returns the first and the last time that a chart shows.
function spanOf({ data: [times] }) {
  const end = times.at(-1) ?? Date.now() / 1000;
  return [Math.min(times[0] ?? end, end - shortest), end];
}

const ofDay = (at) => new Date(at * 1000).toTimeString().slice(0, 8);

/** Chart shows data: the times in seconds, and the values. A value may be null. A chart of counts is whole: its lines are at integers. */
export function Chart({ title, unit, data, whole = false }) {
  const box = useRef(null);
  const plot = useRef(null);
  const newest = useRef(data);
  newest.current = data;
  useEffect(() => {
    addStyle();
    let wanted = true;
    let observer = null;
    import("./vendor/uplot.js").then(({ default: UPlot }) => {
      if (!wanted) return;
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
      plot.current = new UPlot({
        width: box.current.clientWidth, height: 150, cursor: { y: false }, legend: { show: false }, padding: [8, 8, 0, 0],
        scales: { x: { range: spanOf }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max(1, (max ?? 1) * 1.15)] } },
        axes: [{ ...axis, size: 28, space: 80, values: (_, times) => times.map(ofDay) }, { ...axis, size: 52, values: (_, values) => values.map(number), ...(whole && { incrs: wholeSteps }) }],
        series: [{}, { label: title, stroke: colour("--accent-text"), width: 2, fill: colour("--accent-soft"), points: { show: false } }],
      }, newest.current, box.current);
      observer = new ResizeObserver(() => box.current && plot.current?.setSize({ width: box.current.clientWidth, height: 150 }));
      observer.observe(box.current);
    });
    return () => {
      wanted = false;
      observer?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => {
    const redraw = () => plot.current?.redraw(false, true);
    redraw();
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", redraw);
    return () => system.removeEventListener("change", redraw);
  }, [scheme.value, language.value]);
  const value = data[1].at(-1);
  return html`<figure class="chart"><figcaption>${title}<strong>${value == null ? "–" : number(Math.abs(value) < 10 ? Math.round(value * 10) / 10 : Math.round(value)) + " " + unit}</strong></figcaption><div class="chart-box" ref=${box}></div></figure>`;
}
