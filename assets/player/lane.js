// One lane on the stage: its header, its slots, its prose, and its whole event log.

class LaneView {
  constructor(look, frame) {
    this.look = look;
    this.log = []; // every event by number: what a player, a scrubber or an inspector reads
    this.pieces = {}; // id -> text, once the lane is whole
    this.texts = [];
    this.state = emptyLane();
    this.whole = false;
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
    this.prose = el("p", "tt-prose");
    this.prose.tabIndex = 0; // a long text scrolls, by keyboard too
    this.prose.setAttribute("aria-label", `Text of the ${look.label} lane`);
    this.root.append(tail, grid, this.prose);
    this.grid = new SlotGrid(grid, frame.planned, frame.block_size);
  }

  buildFigures() {
    const row = el("dl", "tt-figures");
    this.figures = {};
    for (const [key, label] of [["tokens", "tokens"], ["passes", "passes"], ["seconds", "seconds"], ["tokens_per_second", "tokens/s"]]) {
      const cell = el("div");
      this.figures[key] = el("dd", "");
      this.figures[key].dataset.figure = key;
      cell.append(el("dt", "", label), this.figures[key]);
      row.append(cell);
    }
    return row;
  }

  // Applies a part of a message; returns a sentence to be said aloud when the lane has ended.
  take(part) {
    if (part.broken) {
      this.mark("failed");
      return part.summary;
    }
    return part.whole ? this.takeWhole(part) : this.takeLive(part);
  }

  takeLive(part) {
    if (this.whole) return null; // overtaken
    const touched = new Set();
    part.events.forEach((event, i) => {
      const number = part.first + i;
      if (this.log[number]) return;
      this.log[number] = event;
      for (const position of advance(this.state, event)) touched.add(position);
    });
    for (const [position, text] of part.texts) {
      this.texts[position] = text;
      touched.add(position);
    }
    this.paint(touched, true);
    this.grid.tick();
    drawProse(this.prose, this.state, this.texts);
    this.showFigures(liveFigures(this.state));
    this.mark("running");
    return null;
  }

  takeWhole(part) {
    if (this.whole) return null; // sent once more in case the first was lost
    this.whole = true;
    this.log = part.events;
    this.pieces = part.pieces;
    this.texts = part.texts.map(([, text]) => text);
    this.state = replayed(this.log);
    this.paint(this.state.slots.keys(), false);
    this.grid.endFlash();
    setText(this.prose, part.text);
    this.showFigures(part.figures);
    this.mark(this.state.finished.reason === "cancelled" ? "stopped" : "finished");
    return part.summary;
  }

  paint(positions, live) {
    for (const position of positions) {
      this.grid.paint(position, this.state.slots[position], this.texts[position], this.state, live);
    }
    const kinds = this.state.slots.map((slot, position) => (afterEnd(position, this.state) ? "beyond" : slot?.kind));
    this.root.dataset.masked = kinds.filter((kind) => kind === "mask").length;
    this.root.dataset.filled = kinds.filter((kind) => kind === "token").length;
  }

  showFigures(figures) {
    const shown = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
    setText(this.figures.tokens, shown(figures?.tokens, 0));
    setText(this.figures.passes, shown(figures?.passes, 0));
    setText(this.figures.seconds, shown(figures?.seconds, 2));
    setText(this.figures.tokens_per_second, shown(figures?.tokens_per_second, 1));
  }

  mark(state) {
    this.root.dataset.state = state;
    const reason = this.state.finished?.reason;
    const words = { waiting: "", running: "running", stopped: "stopped", failed: "ended in an error" };
    setText(this.note, words[state] ?? (reason === "end-token" ? "reached its end" : "reached the length limit"));
  }
}
