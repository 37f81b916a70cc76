// One lane on the stage: its header, its slots, its prose, and the timeline they are drawn from.

class LaneView {
  constructor(look, frame) {
    this.look = look;
    this.timeline = new Timeline();
    this.seen = 0; // messages repeat events: how many of the log are here
    this.shown = 0; // events drawn
    this.pieces = {}; // id -> text, once the lane is whole
    this.texts = []; // by position
    this.owners = new Map(); // slot whose bytes belong to a neighbour's character -> that neighbour
    this.joins = new Map(); // slot -> [last slot of its last character, text before that character]
    this.text = null; // once the lane is whole
    this.figures = null;
    this.colour = () => null;
    this.build(look, frame);
    this.mark("waiting");
    this.showFigures(null);
  }

  build(look, frame) {
    this.root = el("section", "tt-lane");
    this.root.dataset.lane = look.lane;
    this.root.setAttribute("aria-label", look.label);
    this.root.style.setProperty("--tt-lane", look.colour);
    this.note = el("span", "tt-state");
    const name = el("h3", "tt-name");
    const glyph = el("span", "tt-glyph", look.glyph);
    glyph.ariaHidden = "true";
    name.append(glyph, el("span", "", look.label));
    const head = el("header", "tt-head");
    head.append(name, el("span", "tt-about", look.about), this.note);
    this.root.append(head, this.buildFigures());
    const tail = el("p", "tt-tail");
    tail.append(el("bdi", "", frame.prompt_tail || "(no prompt)"));
    tail.title = "the end of the prompt";
    const grid = el("div", "tt-grid");
    grid.tabIndex = 0;
    grid.setAttribute("role", "application"); // its arrow keys are its own
    grid.setAttribute("aria-label", `Slots of the ${look.label} lane: arrow keys inspect them, Enter locks one`);
    this.prose = el("p", "tt-prose");
    this.prose.tabIndex = 0; // a long text scrolls, by keyboard too
    this.prose.setAttribute("role", "group");
    this.prose.setAttribute("aria-label", `Text of the ${look.label} lane`);
    this.root.append(tail, grid, this.prose);
    this.grid = new SlotGrid(grid, frame.planned, frame.block_size);
  }

  buildFigures() {
    const row = el("dl", "tt-figures");
    this.cells = {};
    for (const [key, label] of [["tokens", "tokens"], ["passes", "passes"], ["seconds", "seconds"], ["tokens_per_second", "tokens/s"]]) {
      const cell = el("div");
      this.cells[key] = el("dd", "");
      this.cells[key].dataset.figure = key;
      cell.append(el("dt", "", label), this.cells[key]);
      row.append(cell);
    }
    return row;
  }

  // For whoever looks from the console, and for tests.
  get log() {
    return this.timeline.log;
  }

  // Notes down a part of a message; returns a sentence to be said aloud when the lane has ended.
  take(part) {
    if (part.broken) {
      this.mark("failed");
      return part.summary;
    }
    return part.whole ? this.takeWhole(part) : this.takeLive(part);
  }

  takeLive(part) {
    if (this.text !== null) return null; // overtaken
    part.events.slice(Math.max(0, this.seen - part.first)).forEach((event) => this.timeline.add(event));
    this.seen = Math.max(this.seen, part.first + part.events.length);
    for (const [position, text] of part.texts) this.texts[position] = text;
    this.paint(part.texts.map(([position]) => position)); // a neighbour's bytes may have completed an older slot
    this.mark("running");
    return null;
  }

  takeWhole(part) {
    if (this.text !== null) return null; // sent once more in case the first was lost
    this.timeline = timelineOf(part.events);
    this.pieces = part.pieces;
    this.texts = part.texts;
    for (const [position, last, before] of part.joins) {
      this.joins.set(position, [last, before]);
      for (let slot = position + 1; slot <= last; slot++) this.owners.set(slot, position);
    }
    this.text = part.text;
    this.figures = part.figures;
    this.shown = Infinity; // whatever is drawn may be of a log with gaps
    this.mark(this.timeline.finished.reason === "cancelled" ? "stopped" : "finished");
    return part.summary;
  }

  // A character whose bytes lie in several slots shows once all of them are there.
  textAt(position, count) {
    const join = this.joins.get(position);
    if (!join) return this.texts[position] ?? "";
    for (let slot = position + 1; slot <= join[0]; slot++) {
      if (this.timeline.standing(slot, count) !== "token") return join[1];
    }
    return this.texts[position];
  }

  // Draws the lane as it stood after `count` events.
  show(count, flashing) {
    const { timeline } = this;
    const from = this.shown;
    const touched = new Set();
    if (from > timeline.length) this.grid.cells.forEach((_, position) => touched.add(position));
    else for (let n = Math.min(from, count); n < Math.max(from, count); n++) timeline.touched[n].forEach((p) => touched.add(p));
    for (const position of [...touched]) if (this.owners.has(position)) touched.add(this.owners.get(position));
    this.shown = count;
    this.paint(touched);
    if (flashing && count > from) {
      this.grid.flash([...touched].filter((p) => timeline.slots[p]?.committed >= from && timeline.standing(p, count) === "token"));
    }
    if (touched.size) this.drawText(count);
    const ended = this.text !== null && count === timeline.length;
    this.showFigures(ended ? this.figures : timeline.figuresAt(count));
    if (this.text !== null) setText(this.note, ended ? this.ending : "");
  }

  paint(positions) {
    for (const position of positions) this.grid.paint(position, slotFace(this, position, this.shown, this.colour));
    this.count();
  }

  // All of it again: the colouring has changed.
  repaint() {
    this.paint(this.grid.cells.keys());
  }

  count() {
    const kinds = this.timeline.slots.map((_, position) => this.timeline.standing(position, this.shown));
    this.root.dataset.masked = kinds.filter((kind) => kind === "mask").length;
    this.root.dataset.filled = kinds.filter((kind) => kind === "token").length;
  }

  drawText(count) {
    if (this.text !== null && count === this.timeline.length) setText(this.prose, this.text);
    else drawProse(this.prose, this, count);
  }

  showFigures(figures) {
    const shown = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
    setText(this.cells.tokens, shown(figures?.tokens, 0));
    setText(this.cells.passes, shown(figures?.passes, 0));
    setText(this.cells.seconds, shown(figures?.seconds, 2));
    setText(this.cells.tokens_per_second, shown(figures?.tokens_per_second, 1));
  }

  // How the run of this lane stands, whatever moment of it is shown.
  mark(state) {
    this.root.dataset.state = state;
    const reason = this.timeline.finished?.reason;
    const words = { waiting: "", running: "running", stopped: "stopped", failed: "ended in an error" };
    this.ending = words[state] ?? (reason === "end-token" ? "reached its end" : "reached the length limit");
    setText(this.note, this.ending);
  }
}
