// Writes numbers in the units of Grafana that the dashboards use, and finds round ones for an axis.

const scaled = (value, base, names) => {
  let at = 0;
  while (Math.abs(value) >= base && at < names.length - 1) {
    value /= base;
    at += 1;
  }
  return [value, names[at]];
};

const digits = (value, decimals) => {
  if (decimals !== undefined) return value.toFixed(decimals);
  if (value === 0) return "0";
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)) + 1e-9));
  return String(Number(value.toFixed(Math.min(places, 6))));
};

export function written(value, unit, decimals) {
  if (value === null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  switch (unit) {
    case "percentunit":
      return `${digits(value * 100, decimals)} %`;
    case "s":
      if (value === 0) return "0 s";
      if (Math.abs(value) < 0.001) return `${digits(value * 1e6)} µs`;
      if (Math.abs(value) < 1) return `${digits(value * 1e3)} ms`;
      if (Math.abs(value) < 120) return `${digits(value)} s`;
      return Math.abs(value) < 7200 ? `${digits(value / 60)} min` : `${digits(value / 3600)} h`;
    case "bytes": {
      const [number, name] = scaled(value, 1024, ["B", "KiB", "MiB", "GiB"]);
      return `${digits(number)} ${name}`;
    }
    case "Bps": {
      const [number, name] = scaled(value, 1000, ["B/s", "kB/s", "MB/s", "GB/s"]);
      return `${digits(number)} ${name}`;
    }
    default: {
      const [number, name] = scaled(value, 1000, ["", "K", "Mil", "Bil"]);
      const suffix = { reqps: " req/s", ops: " ops/s" }[unit] ?? "";
      return `${digits(number, name ? undefined : decimals)}${name ? ` ${name}` : ""}${suffix}`;
    }
  }
}

// Round numbers from low to high, four or so.
export function ticks(low, high, unit) {
  const steps = unit === "bytes" ? [1, 2, 4, 8] : [1, 2, 2.5, 5];
  const base = unit === "bytes" ? 2 ** Math.floor(Math.log2((high - low) / 4)) : 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [...steps, 10].map((one) => one * base).find((one) => (high - low) / one <= 5);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

export const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 5);
