// The stage: takes the server's messages, keeps one view per lane, and shows all of them at the player's moment.
// Gradio, or an exported page, hands in `element`, `props`, `watch`, `trigger`.

class StageView {
  constructor(root) {
    this.root = root;
    this.run = null;
    this.recorded = false;
    this.busy = false; // a run is going on, off the stage too
    this.lanes = new Map();
    this.colouring = "confidence";
    this.player = new Player(() => this.show());
    this.transport = new Transport(this.player, () => trigger("stop"));
    this.comparison = new Comparison(this);
    this.inspector = new Inspector(this);
    this.build();
    this.whatIf = new WhatIf(this);
    this.transport.root.append(this.whatIf.root);
    this.lanesRoot.before(this.comparison.root);
    this.listen();
  }

  build() {
    this.spoken = el("div", "tt-spoken");
    this.spoken.setAttribute("role", "status");
    this.spoken.setAttribute("aria-live", "polite");
    this.note = el("p", "tt-note");
    const race = el("div", "tt-race");
    this.lanesRoot = el("div", "tt-lanes");
    const bar = el("div", "tt-bar");
    bar.append(this.note, this.buildLegend());
    this.root.append(bar, race, this.transport.root, this.lanesRoot, this.inspector.root, this.spoken);
    this.scrubber = new Scrubber(race, (time) => {
      this.player.pause();
      this.player.seek(time);
    });
  }

  buildLegend() {
    const legend = el("div", "tt-legend");
    const label = el("label", "tt-legend-name", "Colour ");
    this.colourChoice = el("select", "tt-select");
    for (const [name, { label: text }] of Object.entries(COLOURINGS)) {
      const option = el("option", "", text);
      option.value = name;
      this.colourChoice.append(option);
    }
    this.colourChoice.addEventListener("change", () => this.colourBy(this.colourChoice.value));
    label.append(this.colourChoice);
    this.ramp = el("span", "tt-ramp");
    this.rampEnds = [el("span"), el("span")];
    const scale = el("span", "tt-scale");
    scale.append(this.rampEnds[0], this.ramp, this.rampEnds[1]);
    legend.append(el("span", "tt-slot tt-mask tt-still tt-key"), el("span", "", "masked"), label, scale);
    return legend;
  }

  listen() {
    const target = (event) => {
      const cell = event.target.closest?.(".tt-slot[data-position]");
      return cell && { lane: this.lanes.get(cell.closest(".tt-lane").dataset.lane), position: Number(cell.dataset.position) };
    };
    this.lanesRoot.addEventListener("mouseover", (event) => {
      const slot = target(event); // the gaps between slots are no leaving
      if (slot || !event.target.closest(".tt-grid")) this.inspector.hover(slot);
    });
    // The inspector may come up under the pointer: that is no leaving, or the two would take turns for ever.
    this.lanesRoot.addEventListener("mouseleave", (event) => this.inspector.root.contains(event.relatedTarget) || this.inspector.hover(null));
    this.inspector.root.addEventListener("mouseleave", () => this.inspector.hover(null));
    this.lanesRoot.addEventListener("click", (event) => target(event) && this.inspector.lock(target(event)));
    document.addEventListener("keydown", (event) => this.key(event) && event.preventDefault());
    document.addEventListener("twotower:tour", ({ detail }) => this.tour(detail));
  }

  // Keys belong to the stage when nothing else has the focus, and to a lane's grid when that has it.
  key(event) {
    const focused = document.activeElement;
    const inside = this.root.contains(focused);
    if (!inside && focused !== document.body && focused !== null) return false;
    if (event.key === "Escape") return this.inspector.free();
    const grid = focused?.closest?.(".tt-grid");
    const lane = grid && this.lanes.get(grid.closest(".tt-lane").dataset.lane);
    const row = lane ? lane.grid.cells.filter((cell) => cell.offsetTop === lane.grid.cells[0].offsetTop).length : 0;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row }[event.key];
    if (lane && by) return this.inspector.move(lane, by) ?? true;
    if (lane && event.key === "Enter") return this.inspector.lock(this.inspector.target) ?? true;
    if (inside && /^(INPUT|SELECT|BUTTON)$/.test(focused.tagName)) {
      const own = focused.tagName === "INPUT" ? ["ArrowLeft", "ArrowRight", "Home", "End"] : [];
      if (focused !== this.scrubber.range && own.includes(event.key)) return false;
      if (focused.tagName === "SELECT" || (focused.tagName === "BUTTON" && event.key === " ")) return false;
    }
    if (inside && focused.matches(".tt-prose, .tt-inspector")) return false; // they scroll
    return this.run !== null && this.transport.key(event);
  }

  take(message) {
    // A word about a run that is not on the stage any more.
    if (!message.parts.length && this.run !== null && message.run !== this.run) return;
    if (message.note) setText(this.note, message.note);
    this.comparison.pin(message.pinned ?? null);
    if (message.run !== this.run) this.open(message);
    this.busy = Boolean(message.busy);
    if (!message.parts.length) this.transport.show(this.busy);
    let whole = false;
    for (const part of message.parts) {
      const said = this.lanes.get(part.lane).take(part);
      if (said) this.spoken.append(el("p", "", said));
      whole ||= part.whole;
    }
    if (!message.parts.length) return;
    document.dispatchEvent(new CustomEvent("twotower:light", { detail: this.recorded ? "recorded" : "live" }));
    this.player.lines = this.views.map((lane) => lane.timeline); // whole ones replace those that grew
    this.scrubber.draw(this.views);
    if (whole || this.colouring !== "confidence") this.colourBy(this.colouring); // the others depend on more than a slot
    if (whole) this.whatIf.rest();
    if (this.recorded && !this.started) this.start();
    this.show(true);
    if (whole) this.comparison.show();
    if (whole && this.ended && !this.recorded) this.player.chooseSpeed();
  }

  get views() {
    return [...this.lanes.values()];
  }

  get ended() {
    return this.views.every((lane) => lane.text !== null);
  }

  // The lane whose tokens a lane's are held against: the baseline, and for the baseline itself diffusion.
  counterpart(lane) {
    const name = lane.look.lane === "autoregressive" ? "diffusion" : "autoregressive";
    return this.lanes.get(name) ?? (name === "diffusion" ? this.views.find((other) => other !== lane) : undefined) ?? null;
  }

  // The counterpart's slot at a position, where its text has one in the end.
  beside(lane, position) {
    const line = this.counterpart(lane)?.timeline;
    return line?.standing(position, line.length) === "token" ? line.slots[position] : null;
  }

  get latestStep() {
    return Math.max(1, ...this.views.flatMap((lane) => lane.timeline.blocks.map((block) => block.steps)));
  }

  open(message) {
    this.run = message.run;
    this.recorded = Boolean(message.recorded);
    this.started = false;
    this.lanes = new Map(message.lanes.map((look) => [look.lane, new LaneView(look, message)]));
    this.lanesRoot.replaceChildren(...this.views.map((lane) => lane.root));
    this.lanesRoot.dataset.count = this.lanes.size;
    this.root.dataset.recorded = this.recorded;
    this.inspector.free();
    this.scrubber.reset(this.views);
    this.player.load(this.views.map((lane) => lane.timeline), !this.recorded);
    this.whatIf.rest();
    this.colourBy(this.colouring);
    this.spoken.replaceChildren();
    this.comparison.show();
    if (message.run && !this.recorded) this.bringIntoView();
  }

  // A recorded run plays by itself, slowly enough to be followed; whoever asked for stillness gets its end.
  start() {
    this.started = true;
    this.player.chooseSpeed();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.player.time = this.player.end;
    else this.player.play();
  }

  show(arrived = false) {
    const { player } = this;
    const flashing = (player.following && arrived) || player.playing;
    for (const lane of this.views) {
      lane.show(player.following ? lane.timeline.length : lane.timeline.countAt(player.time), flashing);
    }
    this.transport.show(this.busy);
    this.scrubber.moveTo(player.now, this.moment());
    if (this.inspector.target) this.inspector.tell();
    this.root.dataset.time = player.following ? "live" : player.time;
    this.root.dataset.playing = player.playing;
  }

  // The moment in words, for the range input's value.
  moment() {
    const [lane] = this.views;
    const place = lane?.timeline.placeAt(lane.shown);
    const where = place ? `, block ${place.block + 1}${place.step === null ? "" : `, step ${place.step + 1}`}` : "";
    return `${this.player.now.toFixed(3)} seconds${where}`;
  }

  colourBy(name) {
    this.colouring = name;
    this.colourChoice.value = name;
    // Whether it is known what autoregression thinks of tokens that are not its own.
    this.judged = this.views.some((lane) => lane.timeline.slots.some((slot) => slot?.judged));
    const { ends, colour } = COLOURINGS[name];
    ends(this).forEach((text, i) => setText(this.rampEnds[i], text));
    this.ramp.style.backgroundImage = {
      confidence: gradient(0, 1),
      step: gradient(1, 0),
      agreement: `linear-gradient(90deg, rgb(${SAME.no}) 50%, rgb(${SAME.yes}) 50%)`,
    }[name];
    for (const lane of this.views) {
      lane.colour = (state, position) => colour(state, position, this, lane);
      lane.repaint();
    }
  }

  // A step of the tour: go to the first such moment of the lane that has blocks, light what it speaks of.
  tour({ moment, light }) {
    this.root.dataset.lit = light ?? "";
    if (!moment) return;
    const line = (this.views.find((lane) => lane.timeline.blocks.length) ?? this.views[0])?.timeline;
    const number = line?.log.findIndex((event) => event.event === moment) ?? -1;
    if (number < 0) return;
    this.player.pause();
    this.player.seek(line.times[number]);
  }

  // Where the slots lie below the fold, pressing Run would seem to do nothing.
  bringIntoView() {
    const { top } = this.lanesRoot.querySelector(".tt-grid").getBoundingClientRect();
    if (top > 0 && top < 0.6 * window.innerHeight) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.root.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
  }
}

const stage = new StageView(element.querySelector(".tt-stage"));
// For tests and for whoever looks at the page from the console: the lanes with their whole logs.
element.querySelector(".tt-stage").stage = stage;

function receive() {
  if (props.value) stage.take(JSON.parse(props.value));
}
receive();
watch("value", receive);
