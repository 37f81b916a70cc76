// The race line and the way through it: tokens against measured seconds, each lane's blocks as spans and its commits
// as ticks, and a range input over all of it, which brings dragging, keys and its own name for screen readers.

const STRIP = { width: 1000, race: 60, track: 13 };

class Scrubber {
  constructor(root, onSeek) {
    this.root = root;
    this.svg = svgEl("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    this.scale = el("span", "tt-race-scale");
    this.range = el("input", "tt-range");
    this.range.type = "range";
    this.range.min = 0;
    this.range.step = "any";
    this.range.setAttribute("aria-label", "Moment of the run, in seconds of the measured clock");
    this.range.addEventListener("input", () => onSeek(Number(this.range.value)));
    root.replaceChildren(this.svg, this.scale, this.range);
    this.reset([]);
  }

  reset(lanes) {
    this.span = 0;
    this.height = STRIP.race + STRIP.track * lanes.length;
    this.svg.setAttribute("viewBox", `0 0 ${STRIP.width} ${this.height}`);
    this.root.style.setProperty("--tt-strip", `${this.height}px`);
    this.parts = new Map(lanes.map((lane, row) => [lane.look.lane, this.newParts(lane.look, row)]));
    this.head = svgEl("line", { class: "tt-playhead", y1: 0, y2: this.height, "vector-effect": "non-scaling-stroke" });
    this.svg.replaceChildren(...[...this.parts.values()].flatMap((parts) => [parts.prefill, parts.spans, parts.ticks, parts.line]), this.head);
  }

  newParts({ colour, dash }, row) {
    const thin = { fill: "none", stroke: colour, "vector-effect": "non-scaling-stroke" };
    const dashes = { dash: "8 5", dot: "2 4" }[dash] ?? "none";
    return {
      top: STRIP.race + row * STRIP.track,
      prefill: svgEl("path", { class: "tt-prefill", fill: colour }),
      spans: svgEl("path", { class: "tt-spans" }),
      ticks: svgEl("path", { ...thin, class: "tt-ticks" }),
      line: svgEl("path", { ...thin, "stroke-width": 2.5, "stroke-dasharray": dashes }),
    };
  }

  // Draws what the lanes have so far.
  draw(lanes) {
    const latest = Math.max(0.02, ...lanes.map((lane) => lane.timeline.end));
    // The axis grows in steps: one that grew with every message would make the lines crawl backwards.
    if (latest > this.span || latest < this.span / 4) this.span = niceAbove(latest);
    setText(this.scale, `${this.span} s`);
    this.range.max = this.span;
    const most = Math.max(1, ...lanes.map((lane) => lane.timeline.slots.length)) ;
    for (const { look, timeline } of lanes) {
      const parts = this.parts.get(look.lane);
      parts.line.setAttribute("d", this.curve(timeline, most));
      parts.ticks.setAttribute("d", this.ticks(timeline, parts.top));
      parts.spans.setAttribute("d", this.spans(timeline, parts.top));
      parts.prefill.setAttribute("d", `M0 ${parts.top + 3}H${this.x(timeline.prefill)}V${parts.top + STRIP.track - 3}H0Z`);
    }
  }

  x(seconds) {
    return ((seconds / this.span) * STRIP.width).toFixed(1);
  }

  // A step line: the tokens of a pass are there when the pass ends, not before.
  curve({ times, tokens }, most) {
    const y = (count) => (STRIP.race - 4 - (count / most) * (STRIP.race - 8)).toFixed(1);
    return `M0 ${y(0)}` + times.map((time, n) => `H${this.x(time)}V${y(tokens[n])}`).join("");
  }

  // A tick for every pass that committed, the taller the more tokens it brought.
  ticks({ times, tokens }, top) {
    const middle = top + STRIP.track / 2;
    return times
      .map((time, n) => [time, n ? tokens[n] - tokens[n - 1] : 0])
      .filter(([, gained]) => gained > 0)
      .map(([time, gained]) => [this.x(time), 1.5 + Math.min(1, gained / 8) * (STRIP.track / 2 - 2.5)])
      .map(([x, half]) => `M${x} ${(middle - half).toFixed(1)}V${(middle + half).toFixed(1)}`)
      .join("");
  }

  spans({ blocks, times, end }, top) {
    return blocks
      .map(({ opened }, i) => [this.x(times[opened]), this.x(blocks[i + 1] ? times[blocks[i + 1].opened] : end), i])
      .filter(([, , i]) => i % 2 === 0)
      .map(([from, to]) => `M${from} ${top + 1}H${to}V${top + STRIP.track - 1}H${from}Z`)
      .join("");
  }

  moveTo(time, words) {
    const at = this.x(Math.min(time, this.span || time));
    this.head.setAttribute("x1", at);
    this.head.setAttribute("x2", at);
    this.range.value = time;
    this.range.setAttribute("aria-valuetext", words);
  }
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((step) => Number((step * power).toPrecision(3))).find((step) => step >= value * 1.02) ?? 15 * power;
}
