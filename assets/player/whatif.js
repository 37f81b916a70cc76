// What the stored proposals say about another threshold: which slots would have waited, which gone ahead. Hypothetical:
// after the first difference the passes would have seen another block. Knows the stage's lanes; runs nothing.

class WhatIf {
  constructor(stage) {
    this.stage = stage;
    this.root = el("div", "tt-whatif");
    const label = el("label", "", "What if the threshold were ");
    this.range = el("input");
    Object.assign(this.range, { type: "range", min: 0, max: 1, step: 0.01, className: "tt-whatif-range" });
    this.value = el("span", "tt-whatif-value");
    label.append(this.range, this.value);
    this.said = el("p", "tt-whatif-said");
    this.said.setAttribute("role", "status");
    this.reset = el("button", "tt-button", "Back to what happened");
    this.reset.type = "button";
    this.root.append(label, this.reset, this.said);
    this.range.addEventListener("input", () => this.show(Number(this.range.value)));
    this.reset.addEventListener("click", () => this.rest());
    this.rest();
  }

  // The lane whose commits hang on the threshold alone; other rules and drafts have no such knob.
  get lane() {
    const lane = this.stage.lanes.get("diffusion");
    return lane?.timeline.blocks.length && lane.timeline.settings.unmasking === "threshold" ? lane : undefined;
  }

  // The threshold of the run on the stage; nothing is marked.
  rest() {
    const threshold = this.lane?.timeline.settings.threshold;
    this.root.hidden = threshold === undefined || this.lane.text === null;
    if (threshold !== undefined) this.range.value = threshold;
    this.show(threshold ?? 0);
  }

  show(threshold) {
    setText(this.value, threshold.toFixed(2));
    const { lane } = this;
    const real = lane?.timeline.settings.threshold;
    const same = real === undefined || Math.abs(threshold - real) < 0.005;
    this.reset.style.visibility = same ? "hidden" : "visible"; // its room stays
    const { waits, earlier } = same ? { waits: [], earlier: [] } : otherwise(lane.timeline, threshold);
    lane?.grid.mark("tt-waits", waits);
    lane?.grid.mark("tt-earlier", earlier);
    const slots = waits.length === 1 ? "1 slot" : `${waits.length} slots`;
    setText(this.said, same ? "" : `Hypothetical: ${slots} would have waited, ${earlier.length} gone ahead.`);
  }
}

// Positions that the threshold rule committed but would not have, and those it would have committed before it did.
function otherwise(timeline, threshold) {
  const waits = [];
  const earlier = [];
  timeline.slots.forEach((slot, position) => {
    const { id, event, rule, confidence } = slot.last;
    if (id === null || position >= timeline.kept) return;
    const first = slot.past.find((proposal) => proposal.confidence > threshold || ["minimum", "last-step"].includes(proposal.rule));
    if (rule === "threshold" && confidence <= threshold) waits.push(position);
    else if (first && first.event < event) earlier.push(position);
  });
  return { waits, earlier };
}
