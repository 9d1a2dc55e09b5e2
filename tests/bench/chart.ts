/** One line or one bar group of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly label: string; readonly value: number }[];
}

const colours = ["#1b6ca8", "#d1495b", "#6a994e", "#8d6a9f"];
const [width, height, left, top, bottom] = [720, 300, 70, 40, 50];

function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** Bars on a logarithmic scale, one group per label, one colour per series: plain SVG, no script, no font of its own. */
export function barChart(title: string, unit: string, series: readonly Series[], y = 0): string {
  const values = series.flatMap(({ points }) => points.map(({ value }) => value)).filter((value) => value > 0);
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values) * 1.01));
  const labels = [...new Set(series.flatMap(({ points }) => points.map(({ label }) => label)))];
  const floor = y + height - bottom;
  const scale = (value: number): number =>
    ((floor - y - top) * (Math.log10(value) - Math.log10(low))) / (Math.log10(high) - Math.log10(low));
  const group = (width - left - 20) / labels.length;
  const bar = Math.min(60, (group * 0.8) / series.length);
  const parts = [
    `<text x="${left}" y="${y + 20}" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    `<text x="${left}" y="${y + 35}" font-size="11" fill="#555">${escaped(unit)}, logarithmic</text>`,
  ];
  for (let mark = low; mark <= high; mark *= 10) {
    const at = floor - scale(mark);
    parts.push(
      `<line x1="${left}" x2="${width - 20}" y1="${at}" y2="${at}" stroke="#ddd"/>`,
      `<text x="${left - 6}" y="${at + 4}" font-size="11" text-anchor="end">${mark.toLocaleString("en-GB")}</text>`,
    );
  }
  for (const [index, { name, points }] of series.entries()) {
    const colour = colours[index % colours.length]!;
    const legendAt = left + 180 + index * 150;
    parts.push(
      `<rect x="${legendAt}" y="${y + height - 16}" width="10" height="10" fill="${colour}"/>`,
      `<text x="${legendAt + 14}" y="${y + height - 7}" font-size="11">${escaped(name)}</text>`,
    );
    for (const { label, value } of points) {
      if (!(value > 0)) continue;
      const x = left + labels.indexOf(label) * group + (group - bar * series.length) / 2 + index * bar;
      const size = Math.max(1, scale(value));
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${(floor - size).toFixed(1)}" width="${(bar - 2).toFixed(1)}" height="${size.toFixed(1)}" fill="${colour}"/>`,
        `<text x="${(x + bar / 2).toFixed(1)}" y="${(floor - size - 4).toFixed(1)}" font-size="10" text-anchor="middle">${shortly(value)}</text>`,
      );
    }
  }
  for (const [index, label] of labels.entries())
    parts.push(
      `<text x="${left + (index + 0.5) * group}" y="${floor + 16}" font-size="11" text-anchor="middle">${escaped(label)}</text>`,
    );
  return parts.join("\n");
}

function shortly(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en-GB") : String(Number(value.toPrecision(2)));
}

/** Charts under one another, as one file. */
export function page(charts: readonly ((y: number) => string)[]): string {
  const body = charts.map((chart, index) => chart(index * height)).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${charts.length * height}" font-family="sans-serif">\n<title>Throughput and latency, beside others</title>\n<rect width="100%" height="100%" fill="white"/>\n${body}\n</svg>\n`;
}
