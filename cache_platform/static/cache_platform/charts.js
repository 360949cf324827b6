// Draws the charts of the page's numbers. The numbers are in an attribute of #chart; without this the page has a drawing
// and a table of them.
"use strict";
(() => {
  const HEIGHT = 180;
  const holder = () => document.getElementById("chart");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const whole = (value) => (value == null ? "–" : value.toLocaleString("en"));
  const percent = (value) => (value == null ? "–" : `${(100 * value).toFixed(1)}\u00a0%`);

  function span(value) {
    if (value == null) return "–";
    if (value >= 1000) return `${Number((value / 1000).toPrecision(3))} s`;
    return `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} ms`;
  }

  let data = null;
  let plots = [];

  const two = (number) => String(number).padStart(2, "0");

  function moment(start, withDay) {
    const date = uPlot.tzDate(new Date(start * 1000), data.zone);
    const day = withDay ? `${uPlot.fmtDate("{DD} {MMM}")(date)} ` : "";
    return `${day}${two(date.getHours())}:${two(date.getMinutes())}`;
  }

  // Without a pointer on a chart its legend shows the newest bucket that has something of what is drawn there.
  const newest = (...drawn) => Math.max(0, data.starts.findLastIndex((start, i) => drawn.some((values) => values[i])));

  // A line needs two values; fewer are points, and in a short window all are.
  const sparse = (values) => data.starts.length < 40 || values.filter((value) => value != null).length < 3;

  function axes(right) {
    const common = {
      stroke: style("--cp-quiet"),
      font: `11px ${style("--font-family-primary")}`,
      grid: { stroke: style("--cp-edge"), width: 1 },
      ticks: { show: false },
    };
    const long = data.starts.length * data.step > 2 * 86400;
    const time = {
      ...common, grid: { show: false }, size: 28, space: 60,
      values: (plot, splits) => splits.map((start) => (long ? moment(start, true).slice(0, 6) : moment(start, false))),
    };
    return [time, ...right.map((each) => ({ ...common, ...each }))];
  }

  function options(element, { series, scales, right, shown }) {
    const first = data.starts[0];
    const last = data.starts.at(-1) + data.step;
    return {
      width: Math.max(200, element.clientWidth),
      height: HEIGHT,
      tzDate: (start) => uPlot.tzDate(new Date(start * 1000), data.zone),
      padding: [8, right.some((each) => each.side === 1) ? 0 : 24, 0, 0], // the last time's label is centred below its tick
      cursor: { sync: { key: "cache" }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { range: () => [first, last] }, ...scales },
      axes: axes(right),
      series: [{ label: "From", value: (plot, start, series, at) => moment(data.starts[shown(at)], data.step >= 3600) }, ...series],
    };
  }

  function upFromZero(plot, low, high) {
    return [0, Math.max(1, high || 0) * 1.08];
  }

  // The last bucket is still being filled, and paler, as the page says.
  function colours(name) {
    const found = data.starts.map(() => style(name));
    found[found.length - 1] = `color-mix(in srgb, ${style(name)} 40%, ${style("--cp-card")})`;
    return found;
  }

  function reads(element) {
    const bars = (name) => uPlot.paths.bars({
      size: [0.82, 48], align: 1, radius: 0.08, disp: { fill: { unit: 3, values: () => colours(name) } },
    });
    const sums = data.hits.map((hits, i) => hits + data.misses[i]);
    const failed = data.errors.map((errors) => errors || null);
    const line = { points: { show: sparse(data.rate), size: 5 }, spanGaps: true };
    const last = newest(data.hits, data.misses, data.errors);
    const shown = (at) => at ?? last;
    return new uPlot(options(element, {
      shown,
      series: [
        { label: "Misses", fill: style("--cp-miss"), stroke: style("--cp-miss"), width: 0, paths: bars("--cp-miss"), points: { show: false },
          value: (plot, value, series, at) => whole(data.misses[shown(at)]) },
        { label: "Hits", fill: style("--cp-hit"), stroke: style("--cp-hit"), width: 0, paths: bars("--cp-hit"), points: { show: false },
          value: (plot, value, series, at) => whole(data.hits[shown(at)]) },
        { label: "Hit rate", scale: "rate", stroke: style("--cp-rate"), width: 2, value: (plot, value, series, at) => percent(data.rate[shown(at)]), ...line },
        { label: "Errors", stroke: style("--cp-error"), width: 0, paths: () => null,
          points: { show: true, size: 8, fill: style("--cp-error") }, value: (plot, value, series, at) => whole(data.errors[shown(at)]) },
      ],
      scales: { y: { range: upFromZero }, rate: { range: () => [0, 1.08] } },
      right: [
        { size: 48, values: (plot, splits) => splits.map((value) => (Number.isInteger(value) ? whole(value) : "")) },
        { scale: "rate", side: 1, size: 44, grid: { show: false }, splits: () => [0, 0.25, 0.5, 0.75, 1],
          values: (plot, splits) => splits.map((value) => `${Math.round(100 * value)}\u00a0%`) },
      ],
    }), [data.starts, sums, data.hits, data.rate, failed], element);
  }

  function times(element) {
    const last = newest(data.p50);
    const shown = (at) => at ?? last;
    const series = ["p50", "p95", "p99"].map((name) => ({
      label: name, stroke: style(`--cp-${name}`), width: 2, spanGaps: true,
      points: { show: sparse(data[name]), size: 5, fill: style(`--cp-${name}`) },
      value: (plot, value, series, at) => span(data[name][shown(at)]),
    }));
    return new uPlot(options(element, {
      shown,
      series,
      scales: { y: { range: upFromZero } },
      right: [{ size: 56, values: (plot, splits) => splits.map(span) }],
    }), [data.starts, data.p50, data.p95, data.p99], element);
  }

  function draw() {
    for (const plot of plots) plot.destroy();
    plots = [];
    const where = holder();
    if (!where || where.classList.contains("cp-gone")) return;
    data = JSON.parse(where.dataset.chart);
    if (!data.starts.length) return;
    plots = [reads(document.getElementById("plot-reads")), times(document.getElementById("plot-times"))];
  }

  // A chart under the pointer is drawn anew when the pointer has left: what one reads must not jump.
  function drawUnlessLookedAt() {
    const looked = plots.some((plot) => plot.root.matches(":hover"));
    if (!looked || !holder()) draw();
  }

  let drawn = 0;
  function onResize() {
    const width = document.getElementById("plot-reads")?.clientWidth || 0;
    if (width === drawn) return;
    drawn = width;
    for (const plot of plots) plot.setSize({ width: Math.max(200, plot.root.parentElement.clientWidth), height: HEIGHT });
  }

  document.documentElement.classList.add("cp-js");
  draw();
  document.addEventListener("cache:updated", drawUnlessLookedAt);
  new ResizeObserver(onResize).observe(document.getElementById("live"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
})();
