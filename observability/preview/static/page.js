// The page: which dashboard, which time range, which values of its variables; asks and draws again every ten seconds.

import { draw, nothing } from "./draw.js";
import { answers, marks, resolved, span } from "./query.js";

const RANGES = { "5 minutes": 300, "15 minutes": 900, "1 hour": 3600, "6 hours": 21600 };
const EVERY = 10_000;
const SAMPLED = ["slipway-kubernetes"];
const { scrapeSeconds, dashboards } = await (await fetch("dashboards.json")).json();
const chosen = { range: new URLSearchParams(location.search).get("range") ?? "15 minutes", variables: {} };
let round = 0;

const board = () => dashboards.find((one) => one.uid === location.hash.slice(1)) ?? dashboards[0];

function select(label, offered, value, change) {
  const box = document.createElement("label");
  const list = document.createElement("select");
  list.append(...offered.map((one) => new Option(one, one, false, one === value)));
  list.addEventListener("change", () => change(list.value));
  box.append(label, list);
  return box;
}

function controls(shown, offered) {
  const lists = shown.templating.list
    .filter((one) => one.type === "query" && (offered[one.name].length || one.name !== "cluster"))
    .map((one) => {
      const all = ["All", ...offered[one.name]];
      return select(one.label, all, chosen.variables[one.name] ?? "All", (value) => {
        chosen.variables[one.name] = value;
        show();
      });
    });
  const range = select("Range", Object.keys(RANGES), chosen.range, (value) => {
    chosen.range = value;
    show();
  });
  document.getElementById("controls").replaceChildren(...lists, range);
}

function frame(shown) {
  const links = dashboards.map((one) => {
    const link = document.createElement("a");
    link.href = `#${one.uid}`;
    link.textContent = one.title.replace("Slipway / ", "");
    link.title = one.description;
    link.className = one === shown ? "here" : "";
    return link;
  });
  document.getElementById("boards").replaceChildren(...links);
  document.getElementById("label").textContent = SAMPLED.includes(shown.uid)
    ? "Preview, not Grafana · sample data, for want of a cluster"
    : "Preview, not Grafana";
  document.getElementById("panels").replaceChildren(
    ...shown.panels.map((panel) => {
      const box = document.createElement("section");
      const { x, y, w, h } = panel.gridPos;
      box.id = `panel-${panel.id}`;
      box.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
      box.innerHTML = "<h2><i>i</i></h2><div class=body></div>";
      box.querySelector("h2").prepend(`${panel.title} `);
      box.title = panel.description;
      return box;
    }),
  );
}

async function fill(shown) {
  const now = ++round;
  const range = span(RANGES[chosen.range], scrapeSeconds);
  const { values, offered } = await resolved(shown.templating.list, chosen.variables, range);
  const marked = await marks(shown.annotations.list, values, range);
  if (now !== round) return;
  controls(shown, offered);
  await Promise.all(
    shown.panels.map(async (panel) => {
      const body = document.querySelector(`#panel-${panel.id} .body`);
      try {
        const data = await answers(panel, values, range);
        if (now === round) draw(body, panel, data, range, marked);
      } catch (error) {
        nothing(body, error.message);
      }
    }),
  );
  document.body.dataset.drawn = shown.uid;
}

function show() {
  fill(board()).catch((error) => nothing(document.getElementById("panels"), error.message));
}

addEventListener("hashchange", () => {
  chosen.variables = {};
  frame(board());
  show();
});
setInterval(show, EVERY);
frame(board());
show();
