// The stage: takes the server's messages and keeps one view per lane. Gradio hands in `element`, `props`, `watch`.

class StageView {
  constructor(root) {
    this.root = root;
    this.run = null;
    this.lanes = new Map();
    this.spoken = el("div", "tt-spoken");
    this.spoken.setAttribute("role", "status");
    this.spoken.setAttribute("aria-live", "polite");
    this.note = el("p", "tt-note");
    const race = el("div", "tt-race");
    this.lanesRoot = el("div", "tt-lanes");
    root.append(this.buildBar(), race, this.lanesRoot, this.spoken);
    this.strip = new RaceStrip(race);
    this.raceRoot = race;
  }

  buildBar() {
    const bar = el("div", "tt-bar");
    const legend = el("div", "tt-legend");
    const ramp = el("span", "tt-ramp");
    ramp.style.backgroundImage = cividisGradient();
    legend.append(el("span", "tt-slot tt-mask tt-still tt-key"), el("span", "", "masked"));
    legend.append(el("span", "tt-legend-name", "confidence"), el("span", "", "0"), ramp, el("span", "", "1"));
    bar.append(this.note, legend);
    return bar;
  }

  take(message) {
    if (message.note) setText(this.note, message.note);
    if (message.run !== this.run) this.open(message);
    for (const part of message.parts) {
      const said = this.lanes.get(part.lane).take(part);
      if (said) this.spoken.append(el("p", "", said));
    }
    if (!message.parts.length) return;
    document.dispatchEvent(new CustomEvent("twotower:live")); // the title strip's light
    this.strip.draw([...this.lanes.values()], this.planned);
  }

  open(message) {
    this.run = message.run;
    this.planned = message.planned;
    this.lanes = new Map(message.lanes.map((look) => [look.lane, new LaneView(look, message)]));
    this.lanesRoot.replaceChildren(...[...this.lanes.values()].map((lane) => lane.root));
    this.lanesRoot.dataset.count = this.lanes.size;
    this.strip = new RaceStrip(this.raceRoot);
    this.spoken.replaceChildren();
    if (message.run) this.bringIntoView();
  }

  // Where the stage lies below the fold, as on a phone, pressing Run would seem to do nothing.
  bringIntoView() {
    if (this.root.getBoundingClientRect().top < 0.8 * window.innerHeight) return;
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
