// A chart of values that change with time.
import { html, useEffect, useRef } from "./vendor/ui.js";

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

/** Chart shows data: the times in seconds, and the values. */
export function Chart({ title, unit, data }) {
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
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name).trim();
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
      plot.current = new UPlot({
        width: box.current.clientWidth, height: 150, cursor: { y: false }, legend: { show: false }, padding: [8, 8, 0, 0],
        scales: { y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max(1, (max ?? 1) * 1.15)] } },
        axes: [{ ...axis, size: 28, space: 80, values: (_, times) => times.map((at) => new Date(at * 1000).toTimeString().slice(0, 8)) }, { ...axis, size: 52 }],
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
  const value = data[1].at(-1);
  return html`<figure class="chart"><figcaption>${title}<strong>${value === undefined ? "" : value.toFixed(value < 10 ? 1 : 0)} ${unit}</strong></figcaption><div class="chart-box" ref=${box}></div></figure>`;
}
