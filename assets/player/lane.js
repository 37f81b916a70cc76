// One lane on the stage: its header, its slots, its prose, and the timeline they are drawn from.

class LaneView {
  constructor(look, frame) {
    this.look = look;
    this.timeline = new Timeline();
    this.seen = 0; // messages repeat events: how many of the log are here
    this.shown = 0; // events drawn
    this.pieces = {}; // id -> text: of every token once the lane is whole, before that of rejected drafts
    this.texts = []; // by position, of what stands there in the end or by now
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
    this.kinds = el("ul", "tt-kinds");
    this.kinds.setAttribute("aria-label", "What the slots' looks say");
    this.root.append(tail, grid, this.kinds, this.prose);
    this.grid = new SlotGrid(grid, frame.planned, frame.block_size);
    this.showKinds();
  }

  // The legend of looks that slots of this run may have beside tokens and masks; known when the run starts.
  showKinds() {
    const kinds = kindsOf(this.look.lane, this.timeline.settings);
    if (this.kinds.childElementCount !== kinds.length) this.kinds.replaceChildren(...kinds.map(kindInLegend));
    this.kinds.hidden = !kinds.length;
  }

  buildFigures() {
    const row = el("dl", "tt-figures");
    this.cells = {};
    const figures = [["tokens", "tokens"], ["passes", "passes"], ["seconds", "seconds"], ["tokens_per_second", "tokens/s"]];
    if (this.look.lane === "verify") figures.push(["accepted_per_round", "accepted a round"]);
    row.style.setProperty("--tt-columns", figures.length);
    for (const [key, label] of figures) {
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
    Object.assign(this.pieces, part.pieces);
    this.showKinds();
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
    this.showKinds();
    this.shown = Infinity; // whatever is drawn may be of a log with gaps
    this.mark(this.timeline.finished.reason === "cancelled" ? "stopped" : "finished");
    return part.summary;
  }

  // A character whose bytes lie in several slots shows once all of them are there. The texts are those of the tokens
  // that stay: a draft that was rejected shows as its token alone.
  textAt(position, count) {
    const state = this.timeline.contentAt(position, count);
    if (!this.stays(position, state)) return this.pieces[state?.id] ?? "";
    const join = this.joins.get(position);
    if (!join) return this.texts[position] ?? "";
    for (let slot = position + 1; slot <= join[0]; slot++) {
      if (!this.stays(slot, this.timeline.contentAt(slot, count))) return join[1];
    }
    return this.texts[position];
  }

  // Whether a slot then holds the token that it has in the end.
  stays(position, state) {
    return Boolean(state) && state.id !== null && state.id === this.timeline.slots[position].id;
  }

  // What a slot showed when it was in a state that is over.
  wordIn(state, position) {
    if (this.timeline.endIds.includes(state.id)) return "■";
    return visible(this.pieces[state.id] ?? (this.stays(position, state) ? this.texts[position] : "") ?? "");
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
      const filled = (p) => ["token", "draft"].includes(timeline.standing(p, count)) && timeline.contentAt(p, count).event >= from;
      this.grid.flash([...touched].filter(filled));
    }
    if (touched.size) this.drawText(count);
    this.grid.bracket(timeline.roundAt(count));
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
    const counts = { ghost: 0, mask: 0, draft: 0, token: 0, beyond: 0 };
    for (let position = 0; position < this.timeline.slots.length; position++) counts[this.timeline.standing(position, this.shown)] += 1;
    this.root.dataset.masked = counts.mask;
    this.root.dataset.drafted = counts.draft;
    this.root.dataset.filled = counts.token;
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
    if (this.cells.accepted_per_round) setText(this.cells.accepted_per_round, shown(figures?.accepted_per_round, 1));
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
