// A thin live chart: tokens against measured seconds, one line a lane. The large one comes from the server afterwards.

const STRIP = { width: 1000, height: 64 };

class RaceStrip {
  constructor(root) {
    this.svg = svgEl("svg", { viewBox: `0 0 ${STRIP.width} ${STRIP.height}`, preserveAspectRatio: "none", role: "img" });
    this.svg.setAttribute("aria-label", "Tokens against seconds, live");
    this.scale = el("span", "tt-race-scale");
    root.replaceChildren(this.svg, this.scale);
    this.lines = new Map();
    this.span = 0;
  }

  draw(lanes, planned) {
    const latest = Math.max(0.2, ...lanes.map((lane) => lane.state.time));
    // The axis grows in steps: one that grew with every message would make the lines crawl backwards.
    if (latest > this.span || latest < this.span / 4) this.span = niceAbove(latest);
    setText(this.scale, `${this.span} s`);
    for (const { look, state } of lanes) {
      if (!this.lines.has(look.lane)) this.lines.set(look.lane, this.newLine(look));
      this.lines.get(look.lane).setAttribute("points", this.points(state.curve, planned));
    }
  }

  newLine(look) {
    const dash = { dash: "8 5", dot: "2 4" }[look.dash] ?? "none";
    const line = svgEl("polyline", { fill: "none", stroke: look.colour, "stroke-width": 2.5, "stroke-dasharray": dash });
    line.setAttribute("vector-effect", "non-scaling-stroke");
    this.svg.append(line);
    return line;
  }

  points(curve, planned) {
    const x = (seconds) => ((seconds / this.span) * STRIP.width).toFixed(1);
    const y = (tokens) => (STRIP.height - 3 - (tokens / Math.max(1, planned)) * (STRIP.height - 6)).toFixed(1);
    // A step line: the tokens of a pass are there when the pass ends, not before.
    return curve.map(([seconds, tokens], i) => `${x(seconds)},${y(i ? curve[i - 1][1] : 0)} ${x(seconds)},${y(tokens)}`).join(" ");
  }
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((step) => Number((step * power).toPrecision(3))).find((step) => step >= value * 1.02) ?? 15 * power;
}
