// Asks Prometheus what Grafana would ask: variables by their own queries, then panels and annotations.

export async function ask(path, asked) {
  const answer = await fetch(`api/v1/${path}?${new URLSearchParams(asked)}`);
  const body = await answer.json();
  if (body.status !== "success") throw new Error(body.error);
  return body.data;
}

export function span(seconds, scrapeSeconds) {
  const step = Math.max(scrapeSeconds, Math.ceil(seconds / 240));
  const end = Math.floor(Date.now() / 1000 / step) * step;
  return { start: end - seconds, end, step, rateInterval: Math.max(step + scrapeSeconds, 4 * scrapeSeconds) };
}

export function filled(query, values, range) {
  const known = { ...values, __rate_interval: `${range.rateInterval}s`, __range: `${range.end - range.start}s` };
  return query.replace(/\$\{?(\w+)\}?/g, (all, name) => (name in known ? known[name].replaceAll("\\", "\\\\") : all));
}

const escaped = (value) => value.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

// What each variable offers and what stands for it in a query; `picked` holds what the person chose.
export async function resolved(variables, picked, range) {
  const values = {};
  const offered = {};
  for (const one of variables.filter((each) => each.type === "query")) {
    const [, , series, label] = filled(one.query.query, values, range).match(/^label_values\(((.+),\s*)?(\w+)\)$/s);
    const asked = { start: range.start, end: range.end, ...(series ? { "match[]": series } : {}) };
    let found = await ask(`label/${label}/values`, asked);
    if (one.regex) {
      const pattern = new RegExp(one.regex.replace(/^\/|\/\w*$/g, ""));
      found = [...new Set(found.map((value) => value.match(pattern)?.[1]).filter(Boolean))];
    }
    offered[one.name] = found;
    if (found.includes(picked[one.name])) values[one.name] = escaped(picked[one.name]);
    else if (one.allValue) values[one.name] = one.allValue;
    else values[one.name] = found.length > 1 ? `(${found.map(escaped).join("|")})` : escaped(found[0] ?? "");
  }
  return { values, offered };
}

export async function answers(panel, values, range) {
  return Promise.all(
    (panel.targets ?? []).map(async (target) => {
      const query = filled(target.expr, values, range);
      const asked = target.instant ? { query, time: range.end } : { query, ...times(range) };
      const data = await ask(target.instant ? "query" : "query_range", asked);
      const exemplars = target.exemplar ? await ask("query_exemplars", { query, start: range.start, end: range.end }) : [];
      return { target, series: data.result, exemplars: exemplars.flatMap((one) => one.exemplars) };
    }),
  );
}

// Moments at which an annotation begins to have a value.
export async function marks(annotations, values, range) {
  const found = await Promise.all(
    annotations.map(async (one) => {
      const data = await ask("query_range", { query: filled(one.target.expr, values, range), ...times(range) });
      return data.result.map((series) => ({ time: Number(series.values[0][0]), color: one.iconColor, name: one.name }));
    }),
  );
  return found.flat();
}

export function legend(target, metric) {
  if (target.legendFormat === "__auto") return Object.values(metric).join(" ");
  return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? "").trim();
}

const times = (range) => ({ start: range.start, end: range.end, step: range.step });
