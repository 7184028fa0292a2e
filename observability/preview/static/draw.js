// Draws a panel into an element: time series, heat map, number, bars, table or text.

import { clock, ticks, written } from "./format.js";
import { legend } from "./query.js";

const COLORS = ["#3b82c4", "#e08a1e", "#3f9e5f", "#a65bb8", "#d64f5b", "#2aa5a0", "#b8912a", "#6b6fd1", "#8a6d5a", "#5f8f2f", "#c4578f", "#7a8794"];
const NAMED = { text: "var(--ink)", green: "var(--green)", yellow: "var(--yellow)", red: "var(--red)", blue: "#3b82c4", purple: "#a65bb8", orange: "#e08a1e" };
const LEFT = 62;
const BOTTOM = 18;
const TOP = 8;

export function draw(body, panel, data, range, marks) {
  body.replaceChildren();
  if (panel.type === "text") return text(body, panel.options.content);
  if (data.every((one) => one.series.length === 0)) return nothing(body, "No data");
  ({ stat, timeseries, heatmap, bargauge: bars, table })[panel.type](body, panel, data, range, marks);
}

export function nothing(body, sentence) {
  body.replaceChildren(element("div", { class: "none" }, sentence));
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(parent, name, attributes, content = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = content;
  parent.append(made);
  return made;
}

const numbers = (series) => (series.values ?? [series.value]).map(([at, value]) => [Number(at), Number(value)]);
const last = (series) => numbers(series).findLast(([, value]) => !Number.isNaN(value))?.[1] ?? null;

function color(panel, value) {
  const passed = panel.fieldConfig.defaults.thresholds.steps.filter((step) => step.value === null || value >= step.value);
  return NAMED[passed.at(-1)?.color ?? "text"];
}

function stat(body, panel, data) {
  const { unit, decimals } = panel.fieldConfig.defaults;
  const all = data.flatMap(({ target, series }) => series.map((one) => ({ one, name: legend(target, one.metric) })));
  const box = element("div", { class: "stat" });
  body.append(box);
  if (all.length === 1) sparkline(box, numbers(all[0].one), color(panel, last(all[0].one)));
  for (const { one, name } of all) {
    const number = element("b", { style: `color: ${color(panel, last(one))}` }, written(last(one), unit, decimals));
    if (all.length > 1) number.append(element("small", {}, name));
    box.append(number);
  }
}

function sparkline(box, points, stroke) {
  const known = points.filter(([, value]) => Number.isFinite(value));
  const high = Math.max(...known.map(([, value]) => value)) || 1;
  if (known.length < 2) return;
  const [first, end] = [known[0][0], known.at(-1)[0]];
  const line = known.map(([at, value]) => `${((at - first) / (end - first)) * 100},${30 - Math.max(0, value / high) * 27}`).join(" ");
  const svg = shape(box, "svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none" });
  shape(svg, "polygon", { points: `0,30 ${line} 100,30`, style: `fill: ${stroke}` });
}

function canvas(body, range, low, high, unit, decimals) {
  const svg = shape(body, "svg", { class: "plot" });
  body.prepend(svg); // above the legend, whose height decides how much is left
  const { width, height } = svg.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const x = (at) => LEFT + ((at - range.start) / (range.end - range.start)) * (width - LEFT - 6);
  const y = (value) => height - BOTTOM - ((value - low) / (high - low)) * (height - BOTTOM - TOP);
  const every = [60, 120, 300, 600, 900, 1800, 3600, 10800, 21600].find((one) => (range.end - range.start) / one <= 6) ?? 43200;
  for (let at = Math.ceil(range.start / every) * every; at <= range.end; at += every) {
    shape(svg, "line", { x1: x(at), x2: x(at), y1: TOP, y2: height - BOTTOM, style: "stroke: var(--grid)" });
    if (x(at) > LEFT + 12 && x(at) < width - 16) shape(svg, "text", { x: x(at), y: height - 4, "text-anchor": "middle" }, clock(at));
  }
  const axis = (value, label) => {
    shape(svg, "line", { x1: LEFT, x2: width - 6, y1: y(value), y2: y(value), style: "stroke: var(--grid)" });
    shape(svg, "text", { x: LEFT - 6, y: y(value) + 3.5, "text-anchor": "end" }, label ?? written(value, unit, decimals));
  };
  return { svg, x, y, axis, width, height };
}

function mark({ svg, x, height }, marks) {
  for (const one of marks) {
    const line = shape(svg, "line", { x1: x(one.time), x2: x(one.time), y1: TOP, y2: height - BOTTOM, style: `stroke: ${NAMED[one.color]}`, "stroke-dasharray": "3 3" });
    shape(line, "title", {}, one.name);
    const at = x(one.time);
    shape(svg, "polygon", { points: `${at - 4},${height - BOTTOM + 6} ${at + 4},${height - BOTTOM + 6} ${at},${height - BOTTOM}`, style: `fill: ${NAMED[one.color]}` });
  }
}

function timeseries(body, panel, data, range, marks) {
  const { unit, custom, thresholds, min, max } = panel.fieldConfig.defaults;
  const lines = data.flatMap(({ target, series }) => series.map((one) => ({ name: legend(target, one.metric), points: numbers(one) })));
  const stacked = custom.stacking.mode === "normal";
  const base = new Map();
  for (const line of lines) {
    line.area = line.points.map(([at, value]) => {
      const below = stacked ? base.get(at) ?? 0 : 0;
      const top = below + (Number.isFinite(value) ? value : 0);
      base.set(at, top);
      return { at, below, top, known: Number.isFinite(value) };
    });
  }
  const tops = lines.flatMap((line) => line.area.filter((one) => one.known).map((one) => one.top));
  const exemplars = data.flatMap((one) => one.exemplars).map((one) => ({ at: one.timestamp, value: Number(one.value), trace: one.labels.trace_id }));
  const dots = slowest(exemplars, range).filter((one) => one.value <= Math.max(...tops, 0) * 1.6);
  const stroke = (line) => COLORS[lines.indexOf(line) % COLORS.length];
  const named = lines.filter((line) => line.name).toSorted((one, other) => most(other) - most(one));
  if (named.length) body.append(element("div", { class: "legend" }, ...named.map((line) => element("span", { style: `--color: ${stroke(line)}` }, line.name))));
  const low = Math.min(min ?? Math.min(...tops), ...tops);
  let high = max ?? Math.max(...tops, ...dots.map((one) => one.value), low);
  if (high <= low) high = low + (unit === "percentunit" ? 0.01 : 1);
  high += (high - low) * 0.06;
  const steps = ticks(low, high, unit);
  const plot = canvas(body, range, low, high, unit);
  for (const value of steps) plot.axis(value);
  for (const step of custom.thresholdsStyle.mode === "off" ? [] : thresholds.steps.filter((one) => one.value !== null)) {
    if (step.value < high) shape(plot.svg, "line", { x1: LEFT, x2: plot.width - 6, y1: plot.y(step.value), y2: plot.y(step.value), style: `stroke: ${NAMED[step.color]}`, "stroke-dasharray": "6 4", "stroke-opacity": 0.8 });
  }
  for (const line of lines) curve(plot, line.area, stroke(line), custom.fillOpacity / 100, stacked);
  for (const one of dots) {
    const dot = shape(plot.svg, "rect", { x: plot.x(one.at) - 2, y: plot.y(one.value) - 2, width: 4, height: 4, transform: `rotate(45 ${plot.x(one.at)} ${plot.y(one.value)})`, style: "fill: var(--green)", "fill-opacity": 0.55 });
    shape(dot, "title", {}, `trace ${one.trace}`);
  }
  mark(plot, marks);
}

// One exemplar for each sixtieth of the range, or they hide the lines.
function slowest(exemplars, range) {
  const kept = new Map();
  for (const one of exemplars) {
    const slice = Math.floor(((one.at - range.start) / (range.end - range.start)) * 60);
    if (one.value > (kept.get(slice)?.value ?? 0)) kept.set(slice, one);
  }
  return [...kept.values()];
}

const most = (line) => Math.max(...line.points.map(([, value]) => value).filter(Number.isFinite), 0);

function curve(plot, area, stroke, opacity, stacked) {
  const runs = [[]];
  for (const one of area) one.known ? runs.at(-1).push(one) : runs.push([]);
  for (const run of runs.filter((one) => one.length)) {
    const upper = run.map((one) => `${plot.x(one.at)},${plot.y(one.top)}`);
    const lower = run.map((one) => `${plot.x(one.at)},${plot.y(one.below)}`).reverse();
    shape(plot.svg, "polygon", { points: [...upper, ...lower].join(" "), style: `fill: ${stroke}`, "fill-opacity": opacity });
    shape(plot.svg, "polyline", { points: upper.join(" "), fill: "none", style: `stroke: ${stroke}`, "stroke-width": stacked ? 1 : 1.4 });
  }
}

function heatmap(body, panel, data, range, marks) {
  const bounds = (one) => (one.metric.le === "+Inf" ? Infinity : Number(one.metric.le));
  const rows = data[0].series.toSorted((one, other) => bounds(one) - bounds(other));
  const counts = rows.map((row, number) => {
    const below = new Map(number ? numbers(rows[number - 1]) : []);
    return numbers(row).map(([at, value]) => [at, Math.max(0, value - (below.get(at) ?? 0))]);
  });
  const fullest = Math.max(...counts.flat().map(([, value]) => value), 1e-9);
  const plot = canvas(body, range, 0, rows.length, "none");
  const unit = panel.fieldConfig.defaults.unit;
  const every = Math.ceil(rows.length / 6);
  rows.forEach((row, number) => number % every === every - 1 && Number.isFinite(bounds(row)) && plot.axis(number + 1, written(bounds(row), unit)));
  const wide = Math.max(1, (range.step / (range.end - range.start)) * (plot.width - LEFT - 6));
  counts.forEach((points, number) => {
    for (const [at, value] of points.filter((one) => one[1] > 1e-6)) {
      const cell = { x: plot.x(at) - wide, y: plot.y(number + 1), width: wide, height: plot.y(number) - plot.y(number + 1) - 1 };
      if (cell.x >= LEFT - 1) shape(plot.svg, "rect", { ...cell, style: "fill: #d9601a", "fill-opacity": 0.12 + 0.88 * Math.sqrt(value / fullest) });
    }
  });
  mark(plot, marks);
}

function bars(body, panel, data) {
  const { unit } = panel.fieldConfig.defaults;
  const all = data.flatMap(({ target, series }) => series.map((one) => ({ name: legend(target, one.metric), value: last(one) })));
  const longest = Math.max(...all.map((one) => one.value), 1e-9);
  const box = element("div", { class: "bars" });
  for (const { name, value } of all.toSorted((one, other) => other.value - one.value)) {
    const bar = element("span", { style: `--color: ${color(panel, value)}; width: ${(value / longest) * 100}%` });
    box.append(element("div", { title: name }, name), element("i", {}, bar), element("div", {}, written(value, unit)));
  }
  body.append(box);
}

function table(body, panel, data) {
  const rename = panel.transformations.find((one) => one.id === "organize").options.renameByName;
  const rows = data.flatMap(({ series }) => series.map((one) => ({ ...one.metric, Value: written(last(one), panel.fieldConfig.defaults.unit) })));
  const shown = Object.keys(rename).filter((name) => rows.some((row) => name in row));
  const line = (cell, words) => element("tr", {}, ...words.map((word) => element(cell, { title: word }, word)));
  const lines = rows.map((row) => line("td", shown.map((name) => row[name] ?? "")));
  body.append(element("table", {}, line("th", shown.map((name) => rename[name])), ...lines));
}

function text(body, content) {
  const box = element("div", { class: "text" });
  for (const paragraph of content.trim().split("\n\n")) {
    const made = element("p");
    for (const part of paragraph.split(/(\*\*.+?\*\*|`.+?`)/s)) {
      const name = { "*": "strong", "`": "code" }[part[0]];
      made.append(name ? element(name, {}, part.replace(/^\*\*|\*\*$|^`|`$/g, "")) : part);
    }
    box.append(made);
  }
  body.append(box);
}
