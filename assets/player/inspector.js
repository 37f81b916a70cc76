// Why this token, here and now: the candidates of a slot at the shown moment, how sure the model was over the steps,
// the rule that committed it, and what the other lanes thought. Hover shows, a click locks, Esc frees.

class Inspector {
  constructor(stage) {
    this.stage = stage;
    this.hovered = null; // {lane, position}
    this.locked = null;
    this.build();
  }

  build() {
    this.root = el("aside", "tt-inspector");
    this.root.setAttribute("aria-label", "Inspector");
    this.root.tabIndex = 0; // it scrolls where it is narrow
    this.hint = el("p", "tt-hint", "Point at a slot to see what else it could have been. Click to keep it, Esc to let go.");
    this.body = el("div", "tt-inspected-slot");
    this.title = el("h4", "tt-inspector-title");
    this.facts = el("ul", "tt-inspector-facts");
    this.proposed = new CandidateTable("tt-proposed");
    this.judged = new CandidateTable("tt-judged");
    this.curve = new ConfidenceCurve();
    const about = el("div", "tt-inspector-about");
    about.setAttribute("aria-live", "polite");
    about.append(this.title, this.facts);
    this.body.append(about, this.proposed.root, this.judged.root, this.curve.root);
    this.close = el("button", "tt-button tt-close", "Close");
    this.close.type = "button";
    this.close.addEventListener("click", () => this.free());
    this.root.append(this.hint, this.body, this.close);
  }

  get target() {
    return this.locked ?? this.hovered;
  }

  hover(target) {
    this.hovered = target;
    if (!this.locked) this.show();
  }

  lock(target) {
    const same = this.locked && target && this.locked.lane === target.lane && this.locked.position === target.position;
    this.locked = same ? null : target;
    this.hovered = this.locked;
    this.show();
  }

  free() {
    const held = this.target !== null;
    this.locked = this.hovered = null;
    this.show();
    return held;
  }

  // Arrow keys within a lane's grid.
  move(lane, by) {
    const last = lane.timeline.slots.length - 1;
    const from = this.target?.lane === lane ? this.target.position : by > 0 ? -1 : last + 1;
    const target = { lane, position: Math.max(0, Math.min(last, from + by)) };
    if (last < 0) return;
    if (this.locked) this.locked = target;
    this.hovered = target;
    this.show();
    lane.grid.cells[target.position].scrollIntoView({ block: "nearest" });
  }

  // Another slot: marks it in its grid.
  show() {
    const { target } = this;
    for (const lane of this.stage.lanes.values()) {
      lane.grid.mark("tt-inspected", target?.lane === lane ? [target.position] : []);
      lane.grid.mark("tt-locked", this.locked?.lane === lane ? [target.position] : []);
    }
    this.tell();
  }

  // The same slot at another moment.
  tell() {
    const { target } = this;
    const slot = target && target.lane.timeline.slots[target.position];
    this.root.dataset.open = Boolean(slot);
    this.body.hidden = !slot;
    this.hint.hidden = Boolean(slot);
    this.close.hidden = !slot;
    if (slot) this.describe(target.lane, target.position);
  }

  describe(lane, position) {
    setText(this.title, `${lane.look.glyph} ${lane.look.label}, slot ${position + 1}`);
    const said = explain(this.stage, lane, position, lane.shown);
    if (said.join("\n") !== this.said) this.facts.replaceChildren(...said.map((text) => el("li", "", text)));
    this.said = said.join("\n");
    showProposed(this.proposed, lane, position, lane.shown);
    showJudged(this.judged, lane, position, lane.shown);
    this.curve.show(lane, position, lane.shown);
  }
}
