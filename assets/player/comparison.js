// Run A, pinned, against the run on the stage: slots that hold another token are outlined.

class Comparison {
  constructor(stage) {
    this.stage = stage;
    this.run = null; // the pinned run's id
    this.lanes = new Map(); // its lanes by name
    this.root = el("p", "tt-compared");
    this.root.setAttribute("role", "status");
    this.root.hidden = true;
  }

  // Every message says which run is pinned, so that a lost one costs nothing. Called before a new run takes the stage.
  pin(run) {
    if (run === this.run) return;
    this.run = run;
    this.lanes = run !== null && run === this.stage.run ? this.stage.lanes : new Map();
    this.show();
  }

  tokenOf(lane, position) {
    if (this.stage.run === this.run) return null;
    const other = this.lanes.get(lane.look.lane);
    const slot = other?.timeline.slots[position];
    return slot && slot.id !== null ? { id: slot.id, text: quoted(other, slot.id) } : null;
  }

  show() {
    const said = [];
    for (const lane of this.stage.lanes.values()) {
      const differing = this.differing(lane);
      lane.grid.mark("tt-differs", differing ?? []);
      if (differing) said.push(`${lane.look.label}: ${differing.length} of ${lane.timeline.slots.length} slots differ from A`);
    }
    const pinned = this.lanes.size > 0 && this.run === this.stage.run;
    this.root.hidden = !pinned && !said.length;
    setText(this.root, pinned ? "Run A is pinned. Change a setting and run again: slots that differ will be outlined." : said.length ? `${said.join(". ")}.` : "");
  }

  // Positions at which a lane holds another token than it does in A; null where there is nothing to compare.
  differing(lane) {
    const other = this.lanes.get(lane.look.lane);
    if (!other || other === lane || lane.text === null) return null;
    const length = Math.max(lane.timeline.slots.length, other.timeline.slots.length);
    return Array.from({ length }, (_, position) => position).filter(
      (position) => (lane.timeline.slots[position]?.id ?? null) !== (other.timeline.slots[position]?.id ?? null),
    );
  }
}
